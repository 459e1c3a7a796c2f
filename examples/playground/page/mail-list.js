import { confirmLink, verifyEmail } from './account-calls.js';
import { element } from './element.js';

const subjects = {
  'verify-email': 'Verify your address',
  'magic-link': 'Your link to sign in',
  'account-exists': 'You have an account already',
  'no-account': 'There is no account with this address',
  'password-changed': 'Your password was changed',
  'email-changed': 'Your address was changed',
};

/** What becomes of the code of a mail. `parameter` is what its link has the code in. */
export const uses = [
  { kind: 'verify-email', parameter: 'verify', title: 'Verify the address', send: verifyEmail },
  { kind: 'magic-link', parameter: 'magic', title: 'Sign in by the mail', send: confirmLink },
];

/** The mails, with a button for the code where it is of use on this page. */
export function mailItems(mails, onCode) {
  if (mails.length === 0) return [element('li', {}, 'None yet.')];
  return mails.map((mail) => {
    const use = uses.find(({ kind }) => kind === mail.kind);
    return element(
      'li',
      { 'data-mail': mail.kind },
      element('strong', {}, subjects[mail.kind] ?? mail.kind),
      element('span', {}, `to ${mail.to}, ${new Date(mail.sentAt).toLocaleTimeString()}`),
      ...(use === undefined ? [] : [actions(mail, () => onCode(use, mail))]),
    );
  });
}

function actions({ link, code, to }, onCode) {
  const about = () => element('span', { class: 'hidden' }, ` of the mail to ${to}`);
  const button = element('button', { type: 'button', class: 'small' }, `Use the code ${code}`, about());
  button.addEventListener('click', onCode);
  return element('div', { class: 'row' }, element('a', { href: link }, 'Open the link', about()), button);
}
