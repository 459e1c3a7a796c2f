import { element } from './element.js';
import { routes, tokens } from './experiments.js';
import { toneOf } from './send.js';

/**
 * Shows the table of requests: a row for each token, a column for each route, a button in each cell. The roles are written,
 * because the layout for phones is no table any more and would take them away.
 */
export class MatrixView {
  #buttons = new Map();
  #rows = new Map();

  constructor({ head, body, onSend }) {
    head.append(
      ...routes.map((route) =>
        element('th', { scope: 'col', role: 'columnheader' }, route.label, element('code', {}, route.path)),
      ),
    );
    for (const token of tokens) {
      const row = element(
        'tr',
        { role: 'row' },
        element('th', { scope: 'row', role: 'rowheader' }, token.label, element('span', {}, token.hint)),
      );
      for (const route of routes) row.append(element('td', { role: 'cell' }, this.#button(token, route, onSend)));
      this.#rows.set(token, row);
      body.append(row);
    }
  }

  /** Disables rows whose token does not exist, and hides those that few people need until there is one. */
  update(session) {
    for (const [token, row] of this.#rows) {
      const missing = token.needs !== undefined && !session[token.needs];
      row.hidden = missing && token.isHidden === true;
      for (const route of routes) {
        const button = this.#buttons.get(keyOf(token, route));
        button.disabled = missing;
        button.title = missing ? reasonOf(token) : '';
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

function reasonOf({ needs }) {
  return needs === 'ownSession' ? 'Start a session first' : 'Sign in first';
}

function keyOf(token, route) {
  return `${token.id} ${route.id}`;
}
