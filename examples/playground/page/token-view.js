import { colouredToken } from './answer-view.js';
import { button, element, row } from './element.js';
import { readToken } from './token.js';

const meanings = {
  iss: 'who issued it',
  sub: 'whom it is about',
  aud: 'which API it is for',
  client_id: 'which app asked for it',
  jti: 'its own number',
};
// The rest follows in the order of the token.
const first = ['iss', 'sub', 'aud', 'scope', 'iat', 'exp'];
const times = new Set(['iat', 'exp', 'nbf', 'auth_time']);

/** Shows the token's claims and its remaining lifetime. */
export class TokenView {
  #place;
  #timer;
  #onReload;

  /** @param onReload asks the app for the token again */
  constructor(place, onReload) {
    this.#place = place;
    this.#onReload = onReload;
  }

  show(accessToken) {
    clearInterval(this.#timer);
    if (!accessToken) {
      this.#place.replaceChildren(
        element(
          'p',
          { class: 'soft' },
          'None yet. Sign in with the demo provider, which gives the app one for five minutes.',
        ),
      );
      return;
    }
    const { header, claims } = readToken(accessToken);
    const left = element('p', { class: 'left', role: 'timer' });
    const bar = element('div', {});
    this.#place.replaceChildren(
      left,
      element('div', { class: 'life', 'aria-hidden': 'true' }, bar),
      element(
        'div',
        { class: 'claims', tabindex: '0', role: 'group', 'aria-label': 'Claims of your token' },
        element('dl', {}, ...rows({ typ: header.typ, alg: header.alg, kid: header.kid }), ...rows(inOrder(claims))),
      ),
      rawToken(accessToken),
      row(button('Ask for it again', this.#onReload)),
      element(
        'p',
        { class: 'soft remark' },
        'LoginService.accessTokenOf: another one only where this one is about to expire.',
      ),
    );
    const tick = () => showLife(left, bar, claims);
    tick();
    this.#timer = setInterval(tick, 1000);
  }
}

function showLife(left, bar, { iat, exp }) {
  const seconds = Math.round(exp - Date.now() / 1000);
  left.textContent = seconds > 0 ? `${clock(seconds)} left` : `Expired ${clock(-seconds)} ago`;
  left.classList.toggle('over', seconds <= 0);
  const share = Math.min(1, Math.max(0, seconds / (exp - iat)));
  bar.style.setProperty('--left', `${share * 100}%`);
}

function inOrder(claims) {
  return Object.fromEntries(
    [...first.filter((name) => name in claims), ...Object.keys(claims)].map((name) => [name, claims[name]]),
  );
}

function rows(claims) {
  return Object.entries(claims).flatMap(([name, value]) => [
    element('dt', { title: meanings[name] ?? '' }, name),
    times.has(name)
      ? element('dd', {}, String(value), ' ', element('span', {}, new Date(value * 1000).toLocaleTimeString()))
      : element('dd', {}, typeof value === 'string' ? value : JSON.stringify(value)),
  ]);
}

function rawToken(token) {
  const copy = element('button', { type: 'button', class: 'small' }, 'Copy');
  copy.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(token);
      copy.textContent = 'Copied';
    } catch {
      copy.textContent = 'The browser does not allow it';
    }
  });
  return element(
    'details',
    {},
    element('summary', {}, 'The token itself'),
    element('pre', { class: 'raw', tabindex: '0', 'aria-label': 'The token itself' }, ...colouredToken(token)),
    copy,
  );
}

function clock(seconds) {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
