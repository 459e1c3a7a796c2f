import { showAnswer } from './answer-view.js';
import { answerText, explain, isGood } from './call.js';
import { element } from './element.js';
import { readLog } from './send.js';
import * as calls from './session-calls.js';

const stories = {
  refresh: 'The refresh token is replaced at every use. Used again after ten seconds, the old one ends the session.',
  device: 'Another session of the same user, with its tokens in the body. Send “Another device” among the requests.',
  end: 'The session is gone from the database, and its access token is refused from now on.',
  everywhere: 'All sessions of this user end, on this browser and elsewhere, and so do their access tokens.',
};

/** Shows the session that this browser has with the app: its cookies, its calls, and all sessions of the user. */
export class SessionView {
  #place;
  #parts;
  #state = { cookies: [], claims: null, sessions: null, more: false };
  #notice;
  #timer;
  #last = Promise.resolve();

  /** @param parts what a press tells the page: `onCall`, `onDevice`, `onChange` */
  constructor(place, parts) {
    this.#place = place;
    this.#parts = parts;
  }

  /** Reads what there is, after a reload or a restart too. Never rejects: what goes wrong is shown here. */
  update() {
    return this.#inTurn(() => this.#read());
  }

  #refresh() {
    return this.#act('Refresh', stories.refresh, calls.refresh);
  }

  #openDevice() {
    return this.#act('Open another device', stories.device, async () => {
      const answer = await calls.openDevice();
      if (isGood(answer)) this.#parts.onDevice(answer.body.access_token);
      return answer;
    });
  }

  #end({ id }) {
    return this.#act('End a session', stories.end, () => calls.endSession(id));
  }

  #endAll() {
    return this.#act('Sign out everywhere', stories.everywhere, calls.signOutEverywhere);
  }

  /** One call with its answer, after which everything is read again. */
  #act(title, story, send) {
    return this.#inTurn(async () => {
      const answer = await send();
      const cookies = answer.path === '/auth/refresh' ? ['refresh'] : this.#state.cookies.map(({ name }) => name);
      showAnswer({ ...answer, title, story, cookies, mark: '', log: await readLog(answer) });
      this.#notice = { text: `${title}: ${answerText(answer)}`, isProblem: !isGood(answer) };
      this.#parts.onCall(this.#notice.text);
      await this.#read();
    });
  }

  /** Presses are carried out one after the other, and what fails is shown in the card. */
  #inTurn(task) {
    const turn = this.#last.then(async () => {
      await task().catch((error) => {
        this.#notice = { text: explain(error), isProblem: true };
        this.#parts.onCall(this.#notice.text);
      });
      this.#show();
      this.#parts.onChange(this.#state.sessions !== null);
    });
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Where a call gets no answer, what is shown stays as it is. */
  async #read() {
    const found = await calls.findCookies();
    const none = { ...found, sessions: null, more: false };
    if (found.cookies.length === 0) {
      this.#state = none;
      return;
    }
    const list = await calls.listSessions();
    if (!isGood(list)) {
      this.#state = none;
      this.#notice = { text: `The session cannot be used: ${answerText(list)}`, isProblem: true };
      return;
    }
    // The cookies are new where the call had to refresh.
    this.#state = { ...(await calls.findCookies()), sessions: list.body.items, more: list.body.nextCursor !== null };
  }

  #show() {
    const focused = this.#place.contains(document.activeElement) ? document.activeElement.dataset.action : undefined;
    const { sessions, cookies } = this.#state;
    const notice = this.#notice;
    clearInterval(this.#timer);
    this.#place.replaceChildren(
      ...(notice ? [element('p', { class: notice.isProblem ? 'problem' : 'result-line' }, notice.text)] : []),
      ...(sessions === null ? this.#withoutSession() : this.#withSession()),
      ...(cookies.length > 0 ? [element('h3', {}, 'Cookies'), cookieList(cookies)] : []),
      ...(sessions === null ? [] : [element('h3', {}, 'All your sessions'), this.#sessionList()]),
    );
    if (focused !== undefined) this.#focus(focused);
  }

  #withoutSession() {
    const text = 'None. Sign in, and the app keeps a session for you: in two cookies, and in its database.';
    return [element('p', { class: 'soft' }, text)];
  }

  #withSession() {
    const { claims } = this.#state;
    const left = element('dd', { role: 'timer' });
    const tick = () => {
      const seconds = Math.round(claims.exp - Date.now() / 1000);
      left.textContent = seconds > 0 ? `expires in ${seconds} s` : 'expired: the next call refreshes';
    };
    tick();
    this.#timer = setInterval(tick, 1000);
    return [
      element(
        'dl',
        { class: 'facts' },
        element('div', {}, element('dt', {}, 'user'), element('dd', {}, claims.sub)),
        element('div', {}, element('dt', {}, 'issued by'), element('dd', {}, claims.iss)),
        element('div', {}, element('dt', {}, 'access token'), left),
      ),
      element(
        'div',
        { class: 'row' },
        this.#button('Refresh', 'refresh', () => this.#refresh()),
        this.#button('Open another device', 'device', () => this.#openDevice()),
        this.#button('Sign out everywhere', 'everywhere', () => this.#endAll()),
      ),
    ];
  }

  #sessionList() {
    const { sessions, more } = this.#state;
    const items = sessions.map((session) => {
      const name = session.current ? 'This browser' : nameOf(session);
      const button = this.#button('End', `end ${session.id}`, () => this.#end(session));
      button.classList.add('small');
      button.append(element('span', { class: 'hidden' }, ` the session: ${name}`));
      return element(
        'li',
        { 'data-session': session.current ? 'current' : 'other' },
        element('div', {}, element('strong', {}, name), element('span', { class: 'soft' }, timesOf(session))),
        button,
      );
    });
    if (more) items.push(element('li', { class: 'soft' }, 'and more'));
    return element('ul', { class: 'sessions' }, ...items);
  }

  #button(label, action, onClick) {
    const built = element('button', { type: 'button', 'data-action': action }, label);
    built.addEventListener('click', onClick);
    return built;
  }

  /** The buttons were replaced, so the focus is restored for keyboard users; where its button has gone, on the first one. */
  #focus(action) {
    const buttons = [...this.#place.querySelectorAll('button')];
    const target = buttons.find(({ dataset }) => dataset.action === action) ?? buttons[0];
    target?.focus();
  }
}

function cookieList(cookies) {
  const readable = cookies.filter(({ name }) =>
    document.cookie.split('; ').some((pair) => pair.startsWith(`${name}=`)),
  );
  return element(
    'div',
    { class: 'cookies' },
    element(
      'ul',
      {},
      ...cookies.map(({ name, length, fingerprint, attributes }) =>
        element(
          'li',
          { 'data-cookie': name },
          element('strong', {}, name),
          element('span', {}, `${length} characters, SHA-256 ${fingerprint}…`),
          element('code', {}, attributes?.join('; ') ?? 'set by an earlier run of the playground'),
        ),
      ),
    ),
    element(
      'p',
      { class: 'soft' },
      `Scripts of this page can read: ${readable.map(({ name }) => name).join(', ') || 'neither, by HttpOnly'}.`,
    ),
  );
}

function nameOf({ userAgent }) {
  if (userAgent === null) return 'Unknown';
  return /^Mozilla/.test(userAgent) ? 'Another browser' : userAgent;
}

function timesOf({ createdAt, lastUsedAt }) {
  return `since ${timeOf(createdAt)}, last used ${timeOf(lastUsedAt)}`;
}

function timeOf(text) {
  const date = new Date(text);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? date.toLocaleTimeString() : date.toLocaleString();
}
