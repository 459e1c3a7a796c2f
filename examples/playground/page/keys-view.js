import { explain, load } from './call.js';
import { byId, element } from './element.js';
import { readToken } from './token.js';

/** Shows the provider's key, its two switches, and a suggestion what to try next. */
export class KeysView {
  #state;
  #session = {};

  constructor({ onChange }) {
    byId('rotate').addEventListener('click', async () => onChange(await this.#rotate()));
    byId('key-server').addEventListener('click', async () => onChange(await this.#switchKeyServer()));
  }

  /** Never rejects: what goes wrong is shown in the card. @returns the problem, if there is one */
  async update(session) {
    this.#session = session;
    return this.#change('/playground/provider', {});
  }

  async #rotate() {
    const problem = await this.#change('/playground/provider/keys', { method: 'POST' });
    return problem ?? 'The provider signs with a new key.';
  }

  async #switchKeyServer() {
    const answering = this.#state?.keyServer === 'down';
    const problem = await this.#change('/playground/provider/key-server', {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ answering }),
    });
    return problem ?? (answering ? 'The key server answers again.' : 'The key server is down.');
  }

  async #change(address, init) {
    try {
      this.#state = await load(address, init);
      this.#show();
      return undefined;
    } catch (error) {
      const problem = explain(error);
      byId('advice').replaceChildren(element('p', { class: 'problem' }, problem));
      return problem;
    }
  }

  #show() {
    const { keyId, keyServer, keySetRequests } = this.#state;
    byId('key-id').textContent = keyId;
    byId('key-reads').textContent = keySetRequests === 1 ? 'once' : `${keySetRequests} times`;
    const isOn = keyServer === 'answering';
    byId('key-server').setAttribute('aria-checked', String(isOn));
    byId('key-server-state').textContent = isOn ? 'on' : 'off';
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
          'The app reads the key set, remembers it, and reads it again before it is old. Rotate the keys, or take the key server down, and send your requests again.',
        ),
      );
    }
    return advice;
  }
}

function paragraph(strong, text) {
  return element('p', {}, ...(strong ? [element('strong', {}, strong)] : []), text);
}
