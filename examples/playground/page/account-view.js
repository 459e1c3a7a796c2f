import * as calls from './account-calls.js';
import { AccountTable } from './account-table.js';
import { showAnswer } from './answer-view.js';
import { answerText, explain, isGood } from './call.js';
import { button, byId, element, fact, row } from './element.js';
import { IdentityView } from './identity-view.js';
import { mailItems, uses } from './mail-list.js';
import { Phone } from './second-factor.js';
import { readLog, toneOf } from './send.js';
import { refresh, signOutOfApp } from './session-calls.js';

const stories = {
  'sign-up': 'The answer is the same whether or not the address has an account; the mail says what is the case.',
  'sign-in':
    'A wrong password, an unknown address and one that is not verified are answered alike, and after the same time.',
  'magic-link': 'The answer tells nothing of the address. The code of the mail makes the account where there is none.',
  code: 'The code came back, so whoever sends it reads mail at the address. It is used up now.',
  guest:
    'An account of nobody in particular. Guarded routes refuse it; sign up, and it becomes yours with the same id.',
  staff: "@RequireRoles('staff'): for the members of the group staff.",
  register: 'A secret that is in force once a code of it came back. This page stands for the phone that would have it.',
  confirm:
    'From now on, passwords and mails are answered with 401 MFA_REQUIRED until a code follows. Keep the recovery codes.',
  factor: 'The code of the phone, together with the code of the attempt, which lives five minutes.',
  remove: 'Passwords and mails are enough again.',
  passkey: 'The device keeps a private key for this page, and the app its public one.',
  'by-passkey': 'The device has signed the challenge of the app. Nothing was typed, and no second factor is asked for.',
  'sign-out': 'The session of this browser has ended, and its cookies are gone.',
};

/** Shows how people sign up and in with an account of the app, the mails that they get, and whether the staff route lets them in. */
export class AccountView {
  #form = byId('account-form');
  #place = byId('account');
  #parts;
  #table;
  #identities = new IdentityView((...call) => this.#act(...call));
  #user = null;
  #staff;
  #mails = [];
  #notice;
  /** What the app gave for the second step of a sign-in. */
  #attemptCode;
  #phone;
  /** What a registration of a second factor shows. */
  #registration;
  #last = Promise.resolve();

  /** @param parts `onCall`, `onUser`, and `onChange`, which reads the session again and then has `update` called */
  constructor(parts) {
    this.#parts = parts;
    this.#table = new AccountTable((title, story, send) =>
      this.#act(title, story, send, (answer) => (isGood(answer) && this.#user !== null ? refresh() : undefined)),
    );
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#submit(event.submitter.value);
    });
  }

  /** Reads what there is. Never rejects: what goes wrong is shown here. */
  update(hasSession) {
    return this.#inTurn(async () => {
      const me = hasSession ? await calls.findMe() : undefined;
      this.#user = me !== undefined && isGood(me) ? me.body.user : null;
      this.#parts.onUser(this.#user);
      await this.#identities.update(this.#user);
      this.#staff = this.#user === null ? undefined : await calls.askStaff();
      this.#mails = await calls.findMails();
      await this.#table.update(this.#user?.id);
      await this.#show();
    });
  }

  /** Settles when everything that was begun is shown. */
  idle() {
    return this.#last;
  }

  /** Sends the code of a link back that led to this page. */
  async followLink() {
    const address = new URLSearchParams(location.search);
    const use = uses.find(({ parameter }) => address.has(parameter));
    if (use === undefined) return;
    // The code can be used once, so it is removed from the history.
    history.replaceState(null, '', '/');
    this.#form.scrollIntoView();
    await this.#signIn(use.title, stories.code, () => use.send({ code: address.get(use.parameter) }));
  }

  #submit(way) {
    const { email, password } = Object.fromEntries(new FormData(this.#form));
    if (way === 'sign-in') {
      return this.#signIn('Sign in', stories[way], () => calls.signIn({ email, password }));
    }
    const send = way === 'sign-up' ? () => calls.signUp({ email, password }) : () => calls.askForLink({ email });
    const title = way === 'sign-up' ? 'Sign up' : 'Mail me a link';
    return this.#act(title, stories[way], send, (answer) => (isGood(answer) ? this.#awaitMail() : undefined));
  }

  /** In another browser than that of the sign-up, the password is needed beside the code of the mail. */
  #useCode(use, { to: email, code }) {
    return this.#signIn(use.title, stories.code, async () => {
      const { value: password } = this.#form.elements.namedItem('password');
      const answer = await use.send({ email, code });
      const isAsked = answer.body?.code === 'PASSWORD_REQUIRED' && password !== '';
      return isAsked ? use.send({ email, code, password }) : answer;
    });
  }

  /** A call that begins a session, or asks for the second factor. */
  #signIn(title, story, send) {
    return this.#act(title, story, send, ({ body }) => {
      this.#attemptCode = body?.code === 'MFA_REQUIRED' ? body.attemptCode : undefined;
    });
  }

  #sendSecondFactor(code) {
    const attemptCode = this.#attemptCode;
    return this.#act(
      'Send the code',
      stories.factor,
      () => calls.sendSecondFactor({ attemptCode, code }),
      (answer) => {
        if (!isGood(answer)) return;
        this.#phone?.noteUse();
        this.#attemptCode = undefined;
      },
    );
  }

  #register() {
    return this.#act('Add a second factor', stories.register, calls.registerSecondFactor, ({ body, status }) => {
      if (status !== 200) return;
      this.#phone = new Phone(body.secret);
      this.#registration = { uri: body.uri };
    });
  }

  #confirm() {
    const send = async () => calls.confirmSecondFactor(await this.#phone.showCode());
    return this.#act('Confirm the second factor', stories.confirm, send, (answer) => {
      if (!isGood(answer)) return;
      this.#phone.noteUse();
      this.#registration = { recoveryCodes: answer.body.recoveryCodes };
    });
  }

  #leave(title, story, send) {
    return this.#act(title, story, send, () => {
      this.#registration = undefined;
    });
  }

  /** Mails are sent after the answer. None comes where there were too many. */
  async #awaitMail() {
    const newest = this.#mails[0]?.id;
    for (let tries = 0; tries < 10; tries += 1) {
      const [mail] = await calls.findMails();
      if (mail !== undefined && mail.id !== newest) return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  /** One call with its answer, after which everything is read again, and shown together with the answer. */
  #act(title, story, send, onAnswer = () => undefined) {
    return this.#inTurn(async () => {
      const answer = await send();
      showAnswer({ cookies: [], mark: '', ...answer, title, story, log: await readLog(answer) });
      this.#notice = { text: `${title}: ${answerText(answer)}`, isProblem: !isGood(answer) };
      this.#parts.onCall(this.#notice.text);
      await onAnswer(answer);
      await this.#parts.onChange();
    });
  }

  /** Presses are carried out one after the other, and what fails is shown in the card. */
  #inTurn(task) {
    const turn = this.#last.then(() =>
      task().catch(async (error) => {
        this.#notice = { text: explain(error), isProblem: true };
        this.#parts.onCall(this.#notice.text);
        await this.#show();
      }),
    );
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  async #show() {
    const focused = this.#place.contains(document.activeElement) ? document.activeElement.textContent : undefined;
    const notice = this.#notice;
    const secondStep = this.#attemptCode === undefined ? [] : [await this.#secondStep()];
    this.#place.replaceChildren(
      ...(notice ? [element('p', { class: notice.isProblem ? 'problem' : 'result-line' }, notice.text)] : []),
      ...secondStep,
      ...(this.#user === null ? this.#nobody() : this.#somebody(this.#user)),
    );
    byId('mails').replaceChildren(...mailItems(this.#mails, (use, mail) => this.#useCode(use, mail)));
    // The buttons were replaced, so the focus is restored for keyboard users.
    const buttons = [...this.#place.querySelectorAll('button')];
    if (focused !== undefined) (buttons.find(({ textContent }) => textContent === focused) ?? buttons[0])?.focus();
  }

  #nobody() {
    return [
      element('p', { class: 'soft' }, 'This browser has no session. Sign up, and open the mail that is shown then.'),
      row(
        button('Enter as a guest', () => this.#signIn('Enter as a guest', stories.guest, calls.signInAsGuest)),
        button('Sign in with a passkey', () =>
          this.#signIn('Sign in with a passkey', stories['by-passkey'], calls.signInWithPasskey),
        ),
      ),
    ];
  }

  #somebody({ id, email, name, isAnonymous, roles }) {
    const ask = () => this.#act('Ask the staff route', stories.staff, calls.askStaff);
    const leave = () => this.#leave('Sign out of the app', stories['sign-out'], signOutOfApp);
    const remove = () => this.#leave('Remove the second factor', stories.remove, calls.removeSecondFactor);
    return [
      element(
        'dl',
        { class: 'facts' },
        fact('you', isAnonymous ? 'a guest' : (name ?? email ?? 'without an address')),
        fact('id', id),
        fact('groups', roles.join(', ') || 'none'),
      ),
      ...(this.#staff === undefined ? [] : [staffLine(this.#staff)]),
      row(button('Ask the staff route', ask), button('Sign out of the app', leave)),
      ...(isAnonymous
        ? []
        : [
            row(
              button('Add a second factor', () => this.#register()),
              button('Remove the second factor', remove),
              button('Add a passkey', () => this.#act('Add a passkey', stories.passkey, calls.addPasskey)),
            ),
            ...this.#secondFactor(),
          ]),
    ];
  }

  #secondFactor() {
    if (this.#registration === undefined) return [];
    const { uri, recoveryCodes } = this.#registration;
    if (recoveryCodes !== undefined) {
      return [
        element(
          'p',
          { class: 'soft' },
          'Recovery codes, each for one use: ',
          element('code', {}, recoveryCodes.join(' ')),
        ),
      ];
    }
    return [
      element('p', { class: 'soft' }, 'What a QR code would contain: ', element('code', {}, uri)),
      row(button('Confirm with the code of the phone', () => this.#confirm())),
    ];
  }

  /** The code of the phone stands in the field already, where this page has been the phone. */
  async #secondStep() {
    const code = element('input', {
      autocomplete: 'one-time-code',
      required: true,
      value: await this.#phone?.showCode(),
    });
    const form = element(
      'form',
      { class: 'fields' },
      element('label', {}, 'Code of the second factor, or a recovery code', code),
      row(element('button', {}, 'Send the code')),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#sendSecondFactor(code.value);
    });
    return form;
  }
}

/** What the staff route answers to the session of this browser now. */
function staffLine(answer) {
  return element(
    'p',
    { class: `staff ${toneOf(answer)}`, 'data-part': 'staff' },
    `GET /api/staff: ${answerText(answer)}`,
  );
}
