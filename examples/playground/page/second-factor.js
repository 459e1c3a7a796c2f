const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const stepSeconds = 30;

/** Stands for the authenticator app on a phone: it shows the codes of a secret (RFC 6238: SHA-1, six digits, 30 seconds). */
export class Phone {
  #secret;
  #usedStep = 0;
  #shownStep = 0;

  /** @param secret in base32 */
  constructor(secret) {
    this.#secret = secret;
  }

  /** A code is good for one use, so the next one is shown where that of now was used; the app accepts it 30 seconds early. */
  showCode() {
    this.#shownStep = Math.max(Math.floor(Date.now() / 1000 / stepSeconds), this.#usedStep + 1);
    return codeOf(this.#secret, this.#shownStep);
  }

  noteUse() {
    this.#usedStep = this.#shownStep;
  }
}

async function codeOf(secret, step) {
  const counter = new DataView(new ArrayBuffer(8));
  counter.setBigUint64(0, BigInt(step));
  const algorithm = { name: 'HMAC', hash: 'SHA-1' };
  const key = await crypto.subtle.importKey('raw', fromBase32(secret), algorithm, false, ['sign']);
  const mac = new DataView(await crypto.subtle.sign('HMAC', key, counter));
  // RFC 4226 §5.3
  const offset = mac.getUint8(19) & 15;
  return String((mac.getUint32(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

function fromBase32(text) {
  const bits = [...text].map((letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('');
  return Uint8Array.from(bits.match(/.{8}/g), (byte) => parseInt(byte, 2));
}
