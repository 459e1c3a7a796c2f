import { byId, element } from './element.js';
import { readToken } from './token.js';

/** Shows the provider's key, its two switches, and a suggestion what to try next. */
export class KeysView {
  #state;
  #session = {};

  constructor({ onChange, onSilence }) {
    byId('rotate').addEventListener('click', () => {
      this.#rotate().then(onChange, onSilence);
    });
    byId('key-server').addEventListener('click', () => {
      this.#switchKeyServer().then(onChange, onSilence);
    });
  }

  /** Whether the token is signed with the key that the provider publishes now. */
  signs(token) {
    return readToken(token).header.kid === this.#state.keyId;
  }

  async update(session) {
    this.#session = session;
    await this.#change('/playground/provider', {});
  }

  async #rotate() {
    await this.#change('/playground/provider/keys', { method: 'POST' });
    return 'The provider signs with a new key.';
  }

  async #switchKeyServer() {
    const answering = this.#state.keyServer === 'down';
    await this.#change('/playground/provider/key-server', {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ answering }),
    });
    return answering ? 'The key server answers again.' : 'The key server is down.';
  }

  async #change(address, init) {
    const response = await fetch(address, init);
    this.#state = await response.json();
    this.#show();
  }

  #show() {
    const { keyId, keyServer, keySetRequests } = this.#state;
    byId('key-id').textContent = keyId;
    byId('key-reads').textContent = keySetRequests === 1 ? 'once' : `${keySetRequests} times`;
    byId('key-server').setAttribute('aria-checked', String(keyServer === 'answering'));
    const advice = this.#advice();
    // Screen readers announce a change of this text, so it must not be rewritten after each request.
    if (byId('advice').textContent !== advice.map((paragraph) => paragraph.textContent).join('')) {
      byId('advice').replaceChildren(...advice);
    }
  }

  #advice() {
    const { keyId, keyServer } = this.#state;
    const held = this.#session.accessToken && readToken(this.#session.accessToken).header.kid;
    const advice = [];
    if (keyServer === 'down') {
      advice.push(
        paragraph(
          'The key server is down.',
          ' Discovery and key set answer 503. The guard keeps serving with the keys it knows.',
        ),
        paragraph(
          '',
          'Send “Unknown key”: whether that key is real cannot be said now, so the answer is 503 with Retry-After. It may be 401 for ten seconds after “Send all” or another unknown key: so long the guard trusts what it has just read.',
        ),
      );
    }
    if (held && held !== keyId) {
      advice.push(
        paragraph(
          'Your token is signed with a withdrawn key.',
          ' The guard remembers that key until it reads the key set again.',
        ),
        paragraph(
          '',
          'A key id that it does not know makes it do so: sign in again, then send “Former token”, and it is refused.',
        ),
      );
    }
    if (advice.length === 0) {
      advice.push(
        paragraph(
          '',
          'The guard reads the key set, remembers it, and reads it again before it is old. Rotate the keys, or take the key server down, and send your requests again.',
        ),
      );
    }
    return advice;
  }
}

function paragraph(strong, text) {
  return element('p', {}, ...(strong ? [element('strong', {}, strong)] : []), text);
}
