import * as calls from './account-calls.js';
import { byId, element } from './element.js';

const stories = {
  addGroup:
    'The groups of an account are the roles of its user. Other tokens of this user have the role from their next refresh on.',
  removeGroup: 'The role is in no new token from now on. Tokens that are out already have it for at most two minutes.',
  customData:
    'What the app keeps with an account: JSON of at most 64 KiB. Here all of it is replaced; a patch changes parts.',
  disable: 'All sessions of the account end at once, and it is answered as a wrong password is.',
  enable: 'Its user can sign in again. The sessions that have ended stay so.',
  remove: 'The account is gone, with its groups, identities, codes, sessions and API keys.',
};

/** Shows all accounts, and changes the one that was chosen. */
export class AccountTable {
  #place = byId('account-table');
  #act;
  #page = { items: [], nextCursor: null };
  #ownId;
  #chosenId;

  /** @param act carries out a change, and shows its answer */
  constructor(act) {
    this.#act = act;
  }

  async update(ownId) {
    this.#ownId = ownId;
    this.#page = await calls.findAccounts();
    this.#show();
  }

  #show() {
    const { items, nextCursor } = this.#page;
    const focused = this.#place.contains(document.activeElement) ? document.activeElement.dataset.action : undefined;
    const chosen = items.find(({ id }) => id === this.#chosenId);
    this.#place.replaceChildren(
      items.length === 0 ? element('p', { class: 'soft' }, 'None yet.') : this.#table(items),
      ...(nextCursor === null ? [] : [element('p', { class: 'soft' }, 'and older ones')]),
      ...(chosen === undefined ? [] : [this.#editor(chosen)]),
    );
    if (focused === undefined) return;
    // The buttons were replaced, so the focus is restored for keyboard users.
    const buttons = [...this.#place.querySelectorAll('button')];
    (buttons.find(({ dataset }) => dataset.action === focused) ?? buttons[0])?.focus();
  }

  #table(accounts) {
    const heads = ['Account', 'Groups', 'Change'].map((text) => element('th', { scope: 'col' }, text));
    return element(
      'table',
      { class: 'all' },
      element('thead', {}, element('tr', {}, ...heads)),
      element('tbody', {}, ...accounts.map((account) => this.#row(account))),
    );
  }

  #row(account) {
    const { id, groups } = account;
    const edit = this.#button('Edit', `edit ${id}`, () => {
      this.#chosenId = id === this.#chosenId ? undefined : id;
      this.#show();
    });
    edit.classList.add('small');
    edit.setAttribute('aria-expanded', String(id === this.#chosenId));
    edit.append(element('span', { class: 'hidden' }, ` ${nameOf(account)}`));
    return element(
      'tr',
      { 'data-account': id },
      element(
        'th',
        { scope: 'row' },
        nameOf(account),
        element('span', { class: 'soft' }, this.#stateOf(account)),
        element('code', { class: 'soft' }, id),
      ),
      element('td', {}, groups.join(', ') || 'none'),
      element('td', {}, edit),
    );
  }

  #stateOf({ id, name, email, emailVerified, isAnonymous, status }) {
    const address =
      email === null ? [] : [...(name === null ? [] : [email]), emailVerified ? 'verified' : 'not verified'];
    return [
      ...(id === this.#ownId ? ['you'] : []),
      ...address,
      ...(isAnonymous ? ['not signed up'] : []),
      ...(status === 'disabled' ? ['disabled'] : []),
    ].join(', ');
  }

  #editor(account) {
    const { id, groups, customData, status } = account;
    const change = (title, story, send) => () => this.#act(title, story, send);
    const group = element('input', { value: 'staff', required: true, maxlength: '200' });
    const data = element(
      'textarea',
      { rows: '4', required: true, spellcheck: 'false' },
      JSON.stringify(customData, null, 2),
    );
    const removeButtons = groups.map((name) =>
      this.#button(
        `Remove from ${name}`,
        `remove ${name}`,
        change('Remove from the group', stories.removeGroup, () => calls.removeGroup(id, name)),
      ),
    );
    const isEnabled = status === 'enabled';
    return element(
      'section',
      { class: 'editor', 'aria-label': `Change ${nameOf(account)}` },
      element('h3', {}, nameOf(account)),
      ...(removeButtons.length > 0 ? [element('div', { class: 'row' }, ...removeButtons)] : []),
      this.#form(
        'Group',
        group,
        'Add to the group',
        change('Add to the group', stories.addGroup, () => calls.addGroup(id, group.value)),
      ),
      this.#form(
        'Custom data (JSON)',
        data,
        'Save the custom data',
        change('Save the custom data', stories.customData, () => calls.setCustomData(id, data.value)),
      ),
      element(
        'div',
        { class: 'row' },
        isEnabled
          ? this.#button(
              'Disable',
              'switch',
              change('Disable', stories.disable, () => calls.disable(id)),
            )
          : this.#button(
              'Enable',
              'switch',
              change('Enable', stories.enable, () => calls.enable(id)),
            ),
        this.#button(
          'Delete',
          'delete',
          change('Delete', stories.remove, () => calls.remove(id)),
        ),
      ),
    );
  }

  #form(label, field, action, onSubmit) {
    const form = element(
      'form',
      { class: 'fields' },
      element('label', {}, label, field),
      element('div', { class: 'row' }, element('button', { 'data-action': action }, action)),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void onSubmit();
    });
    return form;
  }

  #button(label, action, onClick) {
    const built = element('button', { type: 'button', 'data-action': action }, label);
    built.addEventListener('click', onClick);
    return built;
  }
}

function nameOf({ name, email, isAnonymous }) {
  return name ?? email ?? (isAnonymous ? 'A guest' : 'Without an address');
}
