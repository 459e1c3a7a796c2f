import { isGood } from './call.js';
import { button, byId, element, row } from './element.js';
import { goOnToLink, providerNames } from './login.js';
import * as calls from './session-calls.js';

const stories = {
  link: 'It needs a sign-in of the last five minutes. The answer is the address at the provider, where the page goes on.',
  unlink:
    'It needs a sign-in of the last five minutes, too. The last way to sign in stays, so that nobody is locked out.',
};
const linkable = ['demo', 'github'];

/** Shows the identities that the account of this session is signed in to by, links them, and unlinks them. */
export class IdentityView {
  #place = byId('identities');
  #act;

  /** @param act carries out a call, and shows its answer */
  constructor(act) {
    this.#act = act;
  }

  /** Reads the list again. @param user `null` where there is no session */
  async update(user) {
    const answer = user === null ? undefined : await calls.listIdentities();
    this.#show(answer !== undefined && isGood(answer) ? answer.body.items : null);
  }

  #show(identities) {
    const focused = this.#place.contains(document.activeElement) ? document.activeElement.textContent : undefined;
    this.#place.replaceChildren(
      ...(identities === null
        ? [element('p', { class: 'soft' }, 'Sign in to link a provider to your account.')]
        : [this.#list(identities), row(...this.#linkButtons(identities))]),
    );
    // The buttons were replaced, so the focus is restored for keyboard users.
    const buttons = [...this.#place.querySelectorAll('button')];
    if (focused !== undefined) (buttons.find(({ textContent }) => textContent === focused) ?? buttons[0])?.focus();
  }

  #list(identities) {
    if (identities.length === 0) return element('p', { class: 'soft' }, 'None is linked yet.');
    return element('ul', { class: 'sessions' }, ...identities.map((identity) => this.#item(identity)));
  }

  #item({ provider, subject, email }) {
    const name = providerNames[provider] ?? provider;
    const unlink = button('Unlink', () => this.#act('Unlink', stories.unlink, () => calls.unlinkIdentity(provider)));
    unlink.classList.add('small');
    unlink.append(element('span', { class: 'hidden' }, ` ${name}`));
    return element(
      'li',
      { 'data-identity': provider },
      element(
        'div',
        {},
        element('strong', {}, name.replace(/^t/, 'T')),
        element('span', { class: 'soft' }, `${email ?? 'no address'}, id ${subject}`),
      ),
      unlink,
    );
  }

  #linkButtons(identities) {
    return linkable
      .filter((id) => identities.every(({ provider }) => provider !== id))
      .map((id) => {
        const label = `Link ${providerNames[id]}`;
        return button(label, () =>
          this.#act(
            label,
            stories.link,
            () => calls.beginLink(id),
            (answer) => {
              if (isGood(answer)) goOnToLink(answer.body.url);
            },
          ),
        );
      });
  }
}
