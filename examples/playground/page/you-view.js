import { answerText } from './call.js';
import { element } from './element.js';

/**
 * Shows the current user by the response of the guarded route, and not by decoding the token.
 */
export function showYou(
  place,
  { settings, signedIn, user, refusal, problem, profile, onSignIn, onSignOut, onProfile },
) {
  const children = [];
  if (problem) children.push(element('p', { class: 'problem', role: 'alert' }, problem));
  if (!signedIn) children.push(...stranger(settings, onSignIn));
  else children.push(...(user ? person(user) : [refused(refusal)]), ...(user && profile ? [profile] : []));
  if (signedIn) children.push(buttons(user ? onProfile : undefined, onSignIn, onSignOut));
  place.replaceChildren(...children);
}

function stranger(settings, onSignIn) {
  return [
    button('Sign in', 'primary wide', onSignIn),
    element(
      'ul',
      { class: 'people', 'aria-label': 'People of this demo' },
      ...settings.people.map(({ id, password, remark }) =>
        element('li', {}, element('code', {}, `${id} / ${password}`), element('span', { class: 'soft' }, remark)),
      ),
    ),
  ];
}

function person(user) {
  const initials = (user.name ?? user.id)
    .split(' ')
    .map((word) => word[0])
    .join('');
  return [
    element(
      'div',
      { class: 'person' },
      element('div', { class: 'initials', 'aria-hidden': 'true' }, initials),
      element(
        'div',
        {},
        element('strong', {}, user.name ?? user.id),
        element('span', { class: 'soft' }, user.email ?? ''),
      ),
    ),
    element(
      'dl',
      { class: 'facts' },
      fact('id', user.id),
      fact('e-mail verified', user.emailVerified === null ? 'unknown' : user.emailVerified ? 'yes' : 'no'),
      fact('roles', user.roles.join(', ') || 'none'),
      fact('scopes', user.scopes.join(', ') || 'none'),
    ),
  ];
}

function refused(refusal) {
  return element('p', { class: 'problem' }, refusal ?? 'Asking the app who you are …');
}

/** What an answer other than 200 to the token of the user means. */
export function refusalOf(answer, isKeyCurrent) {
  const { status, body } = answer;
  if (status === 503) {
    return 'The app cannot say who you are: it needs the key set for that, and it cannot be had now. Is the key server off?';
  }
  if (status !== 401) return `The app has answered ${answerText(answer)}.`;
  return body.reason === 'key' && isKeyCurrent
    ? 'The guard does not know the key of your token yet: after key ids that nobody knows, it waits up to ten seconds before it reads the key set again. Send your token again in a moment.'
    : 'The app does not take your token any more. Sign in again for a new one.';
}

function buttons(onProfile, onSignIn, onSignOut) {
  return element(
    'div',
    { class: 'row' },
    ...(onProfile ? [button('Full profile', '', onProfile)] : []),
    button('Sign in again', '', onSignIn),
    button('Sign out', '', onSignOut),
  );
}

function fact(name, value) {
  return element('div', {}, element('dt', {}, name), element('dd', {}, value));
}

function button(label, className, onClick) {
  const built = element('button', { type: 'button', class: className || undefined }, label);
  built.addEventListener('click', onClick);
  return built;
}
