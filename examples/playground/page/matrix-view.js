import { element } from './element.js';
import { routes, tokens } from './experiments.js';
import { toneOf } from './send.js';

/** Shows the table of requests: a row for each token, a column for each route, a button in each cell. */
export class MatrixView {
  #buttons = new Map();
  #rows = new Map();

  constructor({ head, body, onSend }) {
    head.append(
      ...routes.map((route) => element('th', { scope: 'col' }, route.label, element('code', {}, route.path))),
    );
    for (const token of tokens) {
      const row = element('tr', {}, element('th', { scope: 'row' }, token.label, element('span', {}, token.hint)));
      for (const route of routes) row.append(element('td', {}, this.#button(token, route, onSend)));
      this.#rows.set(token, row);
      body.append(row);
    }
  }

  /** Disables rows whose token does not exist, and hides the row of the previous token until there is one. */
  update(session) {
    for (const [token, row] of this.#rows) {
      const missing = token.needs !== undefined && !session[token.needs];
      row.hidden = missing && token.needs === 'formerToken';
      for (const route of routes) {
        const button = this.#buttons.get(keyOf(token, route));
        button.disabled = missing;
        button.title = missing ? 'Sign in first' : '';
      }
    }
  }

  show(answer) {
    for (const button of this.#buttons.values()) button.removeAttribute('aria-current');
    const { token, route, status } = answer;
    const button = this.#buttons.get(keyOf(token, route));
    button.className = toneOf(answer);
    button.setAttribute('aria-current', 'true');
    label(button, String(status), token, route, `, last answer`);
  }

  /** The requests that can be sent now, in reading order. */
  sendable(session) {
    return tokens
      .filter((token) => token.needs === undefined || session[token.needs])
      .flatMap((token) => routes.map((route) => ({ token, route })));
  }

  #button(token, route, onSend) {
    const button = element('button', { type: 'button', 'data-token': token.id, 'data-route': route.id });
    label(button, 'Send', token, route, '');
    button.addEventListener('click', () => onSend(token, route));
    this.#buttons.set(keyOf(token, route), button);
    return button;
  }
}

function label(button, visible, token, route, remark) {
  const hidden = `${remark} – ${token.label}, ${route.label.toLowerCase()} route`;
  button.replaceChildren(visible, element('span', { class: 'hidden' }, hidden));
}

function keyOf(token, route) {
  return `${token.id} ${route.id}`;
}
