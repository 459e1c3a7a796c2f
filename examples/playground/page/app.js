import { AccountView } from './account-view.js';
import { announce, showAnswer, showFailure, summaryOf, uncoverAnswer } from './answer-view.js';
import { ApiKeyView } from './api-key-view.js';
import { isGood, load, UnusableAnswer } from './call.js';
import { byId } from './element.js';
import { routes, tokens } from './experiments.js';
import { KeysView } from './keys-view.js';
import { MatrixView } from './matrix-view.js';
import { askForProfile } from './profile-view.js';
import { readTokens } from './provider-tokens.js';
import { send } from './send.js';
import { signOutOfApp } from './session-calls.js';
import { SessionView } from './session-view.js';
import { finishSignIn, signOut, startSignIn } from './sign-in.js';
import { TokenView } from './token-view.js';
import { refusalOf, showYou } from './you-view.js';

// Whatever nobody has expected is shown as well.
addEventListener('unhandledrejection', ({ reason }) => showFailure(reason));

const settings = await load('/playground/settings').catch(showFailure);

// The provider accepts one redirect URI only, and 127.0.0.1 is another origin than localhost.
if (settings && location.origin !== settings.pageUrl) location.replace(settings.pageUrl);
else if (settings) await start();

async function start() {
  const outcome = await finishSignIn(settings);
  // What requests can be made with: the provider's tokens, and those of the app. They change while the page is open.
  const held = readTokens(settings.run);
  const you = { settings, signedIn: Boolean(held.accessToken), problem: outcome.problem };
  const keys = new KeysView({ onChange: announce });
  const matrix = new MatrixView({ head: byId('routes'), body: byId('matrix'), onSend: show });
  const apiKey = new ApiKeyView(byId('api-key'), { onCall: announce });
  const account = new AccountView({ onCall: announce, onChange: () => session.update() });
  const session = createSessionView(held, { matrix, apiKey, account });

  function render() {
    showYou(byId('you'), {
      ...you,
      onSignIn: () => startSignIn(settings),
      onSignOut: leave,
      onProfile: () => showProfile().catch(showFailure),
    });
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
    if (isYourself(token, route)) {
      const isGood = answer.status === 200;
      you.user = isGood ? answer.body : undefined;
      you.refusal = isGood ? undefined : refusalOf(answer, keys.signs(held.accessToken));
      render();
    }
    announce(summaryOf(answer));
    return answer;
  }

  async function showProfile() {
    const { text, view } = await askForProfile(held.accessToken);
    you.profile = view;
    render();
    // Rendering has replaced the button, so the focus is restored for keyboard users.
    [...byId('you').querySelectorAll('button')].find(({ textContent }) => textContent === 'Full profile')?.focus();
    announce(text);
  }

  render();
  new TokenView(byId('token')).show(held.accessToken);
  matrix.update(held);
  byId('addresses').textContent = `App ${settings.pageUrl} · Provider ${settings.issuer}`;
  byId('send-all').addEventListener('click', () => sendAll(matrix.sendable(held), run).catch(showFailure));
  await keys.update(held);
  await (outcome === 'signed in' ? session.start() : session.update());
  await account.followLink();

  // The first request loads the current user.
  if (held.accessToken) await run(tokens[0], routes[0]).catch(showFailure);
  document.body.dataset.ready = 'true';
}

function createSessionView(held, { matrix, apiKey, account }) {
  return new SessionView(byId('own-session'), {
    providerToken: () => held.accessToken,
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

/** Signs out of the app, then of the provider. */
async function leave() {
  try {
    const left = await signOutOfApp();
    if (!isGood(left)) throw new UnusableAnswer(left);
    signOut(settings);
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

function isYourself(token, route) {
  return token.id === 'yours' && route.id === 'required';
}
