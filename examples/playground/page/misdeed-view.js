import { explain, load } from './call.js';
import { byId, element } from './element.js';
import { goToProvider } from './login.js';

const address = '/playground/misdeed';

const misdeeds = [
  { id: 'state', label: 'Sends another state', hint: 'as if somebody else had begun the login' },
  { id: 'issuer', label: 'Answers as another issuer', hint: 'a mix-up of two providers, RFC 9207' },
  { id: 'nonce', label: 'ID token of another login', hint: 'its nonce is not the one that was sent' },
  { id: 'status', label: 'Refuses with status 200', hint: 'the token endpoint puts the error into the body' },
  { id: 'no-email', label: 'Knows no address', hint: 'no fault: the account has no e-mail then' },
  { id: 'slow', label: 'Answers too late', hint: 'the app waits five seconds' },
  { id: 'down', label: 'Is down', hint: 'its token endpoint answers 503' },
];

/** Lets a visitor choose what the misbehaving provider does, and sign in there. */
export async function setUpMisdeeds() {
  const form = byId('misdeeds');
  const { misdeed: chosen } = await load(address);
  byId('misdeed-list').replaceChildren(...misdeeds.map((misdeed) => choice(misdeed, chosen)));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    leave(new FormData(form).get('misdeed')).catch((error) => {
      byId('misdeed-problem').replaceChildren(element('p', { class: 'problem', role: 'alert' }, explain(error)));
    });
  });
}

async function leave(misdeed) {
  const headers = { 'Content-Type': 'application/json' };
  await load(address, { method: 'PUT', headers, body: JSON.stringify({ misdeed }) });
  goToProvider('misbehaving');
}

function choice({ id, label, hint }, chosen) {
  const radio = element('input', { type: 'radio', name: 'misdeed', value: id, checked: id === chosen });
  return element(
    'li',
    {},
    element('label', {}, radio, element('span', {}, label, element('span', { class: 'soft' }, hint))),
  );
}
