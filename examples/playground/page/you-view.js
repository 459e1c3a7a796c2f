import { button, element, fact, row } from './element.js';

/**
 * Shows whom the app takes the browser for: the user of its session, as `GET /auth/me` has answered.
 *
 * @param view `user`, `null` without a session; `login`, where the browser comes from one; `profile`, and what the buttons do
 */
export function showYou(place, { settings, user, login, profile, onSignIn, onSignOut, onProfile }) {
  place.replaceChildren(
    ...(login ? [notice(login)] : []),
    ...(user === null ? stranger(settings, onSignIn) : person(user)),
    ...(user !== null && profile ? [profile] : []),
    ...(user === null ? [] : [buttons(onProfile, onSignIn, onSignOut)]),
  );
}

function notice({ isProblem, text, story }) {
  if (!isProblem) return element('p', { class: 'result-line', role: 'status' }, text);
  return element('p', { class: 'problem', role: 'alert' }, element('code', {}, text), ` ${story}`);
}

function stranger(settings, onSignIn) {
  return [
    button('Sign in with the demo provider', () => onSignIn('demo'), 'primary wide'),
    element(
      'ul',
      { class: 'people', 'aria-label': 'People of this demo' },
      ...settings.people.map(({ id, password, remark }) =>
        element('li', {}, element('code', {}, `${id} / ${password}`), element('span', { class: 'soft' }, remark)),
      ),
    ),
    element(
      'div',
      { class: 'other-way' },
      button('Sign in with GitHub', () => onSignIn('github'), 'wide'),
      element('p', { class: 'soft' }, 'A stand-in on this machine, which answers as GitHub does.'),
    ),
  ];
}

function person({ id, name, email, emailVerified, isAnonymous, roles }) {
  const shown = name ?? email ?? (isAnonymous ? 'A guest' : 'Without a name');
  const initials = shown
    .split(' ')
    .map((word) => word[0])
    .join('')
    .slice(0, 2);
  return [
    element(
      'div',
      { class: 'person' },
      element('div', { class: 'initials', 'aria-hidden': 'true' }, initials),
      element(
        'div',
        {},
        element('strong', {}, shown),
        element('span', { class: 'soft' }, email ?? 'no e-mail address'),
      ),
    ),
    element(
      'dl',
      { class: 'facts' },
      fact('id', id),
      fact('e-mail verified', emailVerified === null ? 'there is none' : emailVerified ? 'yes' : 'no'),
      fact('roles', roles.join(', ') || 'none'),
    ),
  ];
}

function buttons(onProfile, onSignIn, onSignOut) {
  return row(
    ...(onProfile ? [button('Full profile', onProfile)] : []),
    ...(onProfile ? [button('Sign in again', () => onSignIn('demo'))] : []),
    button('Sign out', onSignOut),
  );
}
