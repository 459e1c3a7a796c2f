import { AccountView } from './account-view.js';
import { announce, showAnswer, showFailure, summaryOf, uncoverAnswer } from './answer-view.js';
import { ApiKeyView } from './api-key-view.js';
import { isGood, load, UnusableAnswer } from './call.js';
import { byId } from './element.js';
import { KeysView } from './keys-view.js';
import { goToProvider, readLogin, showLogin, signOutOfProvider } from './login.js';
import { MatrixView } from './matrix-view.js';
import { setUpMisdeeds } from './misdeed-view.js';
import { askForProfile } from './profile-view.js';
import { findProviderTokens, forgetProviderTokens } from './provider-tokens.js';
import { send } from './send.js';
import { refresh, signOutOfApp } from './session-calls.js';
import { SessionView } from './session-view.js';
import { TokenView } from './token-view.js';
import { showYou } from './you-view.js';

// Whatever nobody has expected is shown as well.
addEventListener('unhandledrejection', ({ reason }) => showFailure(reason));

const settings = await load('/playground/settings').catch(showFailure);

// A login leads back to one origin only, and 127.0.0.1 is another one than localhost.
if (settings && location.origin !== settings.pageUrl) location.replace(settings.pageUrl);
else if (settings) {
  byId('addresses').textContent = `App ${settings.pageUrl} · Provider ${settings.issuer}`;
  await start();
}

/** Builds the cards of the page, and fills them in. */
async function start() {
  const login = readLogin();
  // What requests can be made with: the provider's tokens, and those of the app. They change while the page is open.
  const held = {};
  const you = { settings, login };
  const keys = new KeysView({ onChange: announce });
  const matrix = new MatrixView({ head: byId('routes'), body: byId('matrix'), onSend: show });
  const token = new TokenView(byId('token'), () => readTokens().catch(showFailure));
  const account = new AccountView({ onCall: announce, onUser, onChange: () => session.update() });
  const session = createSessionView(held, { matrix, account });

  function render() {
    showYou(byId('you'), {
      ...you,
      onSignIn: goToProvider,
      onSignOut: () => leave(held),
      onProfile: held.accessToken && (() => showProfile(held, onProfile).catch(showFailure)),
    });
  }

  function onUser(user) {
    // What is said about a login is about its user.
    const isOther = you.user !== undefined && you.user?.id !== user?.id;
    if (isOther) Object.assign(you, { login: undefined, profile: undefined });
    you.user = user;
    render();
  }

  function onProfile(profile) {
    you.profile = profile;
    render();
  }

  async function readTokens() {
    Object.assign(held, await findProviderTokens(settings.run));
    token.show(held.accessToken);
    matrix.update(held);
    render();
    await keys.update(held);
  }

  async function show(token, route) {
    await run(token, route).catch(showFailure);
    uncoverAnswer();
  }

  async function run(token, route) {
    const answer = await send(token, route, held);
    matrix.show(answer);
    showAnswer(answer);
    await keys.update(held);
    announce(summaryOf(answer));
    return answer;
  }

  token.show(undefined);
  matrix.update(held);
  byId('send-all').addEventListener('click', () => sendAll(matrix.sendable(held), run).catch(showFailure));
  await setUpMisdeeds().catch(showFailure);
  // A new account has got its groups after its first access token.
  if (login?.isNew) await refresh().catch(showFailure);
  await keys.update(held);
  await session.update();
  await account.followLink();
  await account.idle();
  if (you.user === undefined) onUser(null);
  if (held.ownSession) await readTokens().catch(showFailure);
  if (login !== undefined) await showLogin(login);
  document.body.dataset.ready = 'true';
}

async function showProfile({ accessToken }, onProfile) {
  const { text, view } = await askForProfile(accessToken);
  onProfile(view);
  // The button was replaced, so the focus is restored for keyboard users.
  [...byId('you').querySelectorAll('button')].find(({ textContent }) => textContent === 'Full profile')?.focus();
  announce(text);
}

function createSessionView(held, { matrix, account }) {
  const apiKey = new ApiKeyView(byId('api-key'), { onCall: announce });
  return new SessionView(byId('own-session'), {
    onCall: announce,
    onDevice(token) {
      held.deviceToken = token;
      matrix.update(held);
    },
    onChange(exists) {
      held.ownSession = exists;
      matrix.update(held);
      apiKey.update(exists);
      void account.update(exists);
    },
  });
}

/** Signs out of the app, then of the provider, where its token shows that the user is signed in there. */
async function leave({ accessToken }) {
  try {
    const left = await signOutOfApp();
    if (!isGood(left)) throw new UnusableAnswer(left);
    forgetProviderTokens();
    if (accessToken === undefined) location.assign('/');
    else signOutOfProvider(settings);
  } catch (error) {
    showFailure(error);
  }
}

/** Sends the requests one after the other, so that each response is visible and the last one stays. */
async function sendAll(requests, run) {
  const statuses = [];
  for (const { token, route } of requests) statuses.push((await run(token, route)).status);
  const refused = statuses.filter((status) => status >= 400).length;
  announce(`${statuses.length} requests sent, ${refused} of them refused.`);
}
