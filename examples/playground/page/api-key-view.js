import { showAnswer, uncoverAnswer } from './answer-view.js';
import { answerText, call, explain, isGood } from './call.js';
import { element } from './element.js';
import { readLog } from './send.js';
import { createKey, revokeKey, rotateKey } from './session-calls.js';

const guarded = { path: '/api/me', mark: 'no mark: guardEverything asks for a credential of any kind' };
const form = 'grant_type=client_credentials';

const stories = {
  create: 'The user comes from the session. The secret is in this answer and nowhere else: the app stores its SHA-256.',
  bearer: 'The whole key, where an access token would be. The caller is the user of the key.',
  basic: 'The id as the user name, the secret as the password: curl -u and most clients can send that.',
  header: 'The whole key in a header of its own, which tokenFrom names.',
  exchange: 'OAuth 2 client credentials: the key is exchanged for an access token of the app, which lives two minutes.',
  token: 'The access token that the key was exchanged for. Other services verify it without asking this app.',
  rotate: 'A new secret for the same id. The one before works for another day, so that nothing breaks on the way.',
  old: 'The secret from before the rotation. It works until its day is over, or until the key is revoked.',
  revoke: 'The key ends with both of its secrets and with its tokens, here at once.',
};

/** Shows one API key of the user: how it is made, sent in three ways, exchanged for a token, rotated and revoked. */
export class ApiKeyView {
  #place;
  #onCall;
  #hasSession = false;
  /** What the app has answered: the id, the secret and the text. Only this tab has it, until it is reloaded. */
  #key;
  #oldText;
  #token;
  #isRevoked = false;
  #notice;
  #last = Promise.resolve();

  constructor(place, { onCall }) {
    this.#place = place;
    this.#onCall = onCall;
  }

  /** A key is made and changed by whoever has a session. It is used without. */
  update(hasSession) {
    this.#hasSession = hasSession;
    this.#show();
  }

  #create() {
    return this.#act('Make a key', { story: stories.create, mark: mine }, createKey, (answer) => {
      this.#key = answer.body;
      this.#oldText = undefined;
      this.#token = undefined;
      this.#isRevoked = false;
    });
  }

  #rotate() {
    const before = this.#key.text;
    return this.#act(
      'Rotate the key',
      { story: stories.rotate, mark: mine },
      () => rotateKey(this.#key.id),
      (answer) => {
        this.#key = answer.body;
        this.#oldText = before;
      },
    );
  }

  #revoke() {
    return this.#act(
      'Revoke the key',
      { story: stories.revoke, mark: mine },
      () => revokeKey(this.#key.id),
      () => {
        this.#isRevoked = true;
      },
    );
  }

  #exchange() {
    const authorization = basicOf(this.#key);
    const init = { method: 'POST', headers: { Authorization: authorization }, body: new URLSearchParams(form) };
    const shown = { story: stories.exchange, authorization, form, mark: 'on the adapter: no guard of the app applies' };
    return this.#act(
      'Exchange for a token',
      shown,
      () => call('/oauth/token', { ...init, credentials: 'omit' }),
      (answer) => {
        this.#token = answer.body.access_token;
      },
    );
  }

  /** A call without cookies: the key is the only credential. */
  #call(title, story, headers) {
    const { Authorization: authorization, 'x-api-key': apiKey } = headers;
    return this.#act(title, { story, authorization, apiKey, mark: guarded.mark }, () =>
      call(guarded.path, { headers, credentials: 'omit' }),
    );
  }

  /** One call with its answer. Presses are carried out one after the other; where there is no answer, the card says so. */
  #act(title, shown, send, onGood = () => undefined) {
    const turn = this.#last.then(async () => {
      try {
        const answer = await send();
        if (isGood(answer)) onGood(answer);
        const cookies = shown.mark === mine ? ['access'] : [];
        showAnswer({ cookies, ...answer, ...shown, title, log: await readLog(answer) });
        uncoverAnswer();
        this.#notice = { text: `${title}: ${answerText(answer)}`, isProblem: !isGood(answer) };
      } catch (error) {
        this.#notice = { text: explain(error), isProblem: true };
      }
      this.#onCall(this.#notice.text);
      this.#show();
    });
    this.#last = turn;
    return turn;
  }

  #show() {
    const focused = this.#place.contains(document.activeElement) ? document.activeElement.textContent : undefined;
    const notice = this.#notice;
    this.#place.replaceChildren(
      ...(notice ? [element('p', { class: notice.isProblem ? 'problem' : 'result-line' }, notice.text)] : []),
      ...(this.#key === undefined ? this.#withoutKey() : this.#withKey()),
    );
    // The buttons were replaced, so the focus is restored for keyboard users.
    const buttons = [...this.#place.querySelectorAll('button:not(:disabled)')];
    if (focused !== undefined) (buttons.find(({ textContent }) => textContent === focused) ?? buttons[0])?.focus();
  }

  #withoutKey() {
    const text = this.#hasSession
      ? 'None on this page. A key calls the API for you: in scripts, jobs, and at partners.'
      : 'None. With a session you can make one.';
    return [
      element('p', { class: 'soft' }, text),
      row(this.#button('Make a key', () => this.#create(), !this.#hasSession)),
    ];
  }

  #withKey() {
    const { id, text, key } = this.#key;
    const cannotChange = this.#isRevoked || !this.#hasSession;
    return [
      element(
        'dl',
        { class: 'facts' },
        fact('id', element('code', {}, id)),
        fact('scopes', key.scopes.join(' ')),
        fact('state', this.#isRevoked ? 'revoked: try what it still opens' : 'works until it is revoked'),
      ),
      row(
        this.#button('Call by Bearer', () => this.#call('Call by Bearer', stories.bearer, bearerOf(text))),
        this.#button('Call by Basic', () =>
          this.#call('Call by Basic', stories.basic, { Authorization: basicOf(this.#key) }),
        ),
        this.#button('Call by x-api-key', () => this.#call('Call by x-api-key', stories.header, { 'x-api-key': text })),
      ),
      row(
        this.#button('Exchange for a token', () => this.#exchange()),
        ...(this.#token === undefined
          ? []
          : [
              this.#button('Call with the token', () =>
                this.#call('Call with the token', stories.token, bearerOf(this.#token)),
              ),
            ]),
      ),
      row(
        this.#button('Rotate the key', () => this.#rotate(), cannotChange),
        ...(this.#oldText === undefined
          ? []
          : [
              this.#button('Call with the old secret', () =>
                this.#call('Call with the old secret', stories.old, bearerOf(this.#oldText)),
              ),
            ]),
        this.#button('Revoke the key', () => this.#revoke(), cannotChange),
        ...(this.#isRevoked ? [this.#button('Make a key', () => this.#create(), !this.#hasSession)] : []),
      ),
    ];
  }

  #button(label, onClick, isDisabled = false) {
    const built = element('button', { type: 'button', disabled: isDisabled }, label);
    built.addEventListener('click', onClick);
    return built;
  }
}

const mine = "@AcceptCredentials('access-token'): a key makes and changes no keys";

function bearerOf(text) {
  return { Authorization: `Bearer ${text}` };
}

/** RFC 7617. Id and secret have letters, digits and underscores only. */
function basicOf({ id, secret }) {
  return `Basic ${btoa(`${id}:${secret}`)}`;
}

function row(...buttons) {
  return element('div', { class: 'row' }, ...buttons);
}

function fact(name, value) {
  return element('div', {}, element('dt', {}, name), element('dd', {}, value));
}
