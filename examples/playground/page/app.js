import { announce, showAnswer, showSilence, summaryOf, uncoverAnswer } from './answer-view.js';
import { byId } from './element.js';
import { routes, tokens } from './experiments.js';
import { KeysView } from './keys-view.js';
import { MatrixView } from './matrix-view.js';
import { askForProfile, profileView } from './profile-view.js';
import { send } from './send.js';
import { readSession } from './session.js';
import { finishSignIn, signOut, startSignIn } from './sign-in.js';
import { TokenView } from './token-view.js';
import { showYou } from './you-view.js';

const settings = await (await fetch('/playground/settings')).json();

// The provider accepts one redirect URI only, and `localhost` is another origin than 127.0.0.1.
if (location.origin === settings.pageUrl) await start();
else location.replace(settings.pageUrl);

async function start() {
  const outcome = await finishSignIn(settings);
  const session = readSession(settings.run);
  const you = { settings, signedIn: Boolean(session.accessToken), problem: outcome.problem };
  const render = () =>
    showYou(byId('you'), {
      ...you,
      onSignIn: () => startSignIn(settings),
      onSignOut: () => signOut(settings),
      onProfile: () => showProfile().catch(showSilence),
    });

  const keys = new KeysView({ onChange: announce, onSilence: showSilence });
  const matrix = new MatrixView({ head: byId('routes'), body: byId('matrix'), onSend: show });

  async function show(token, route) {
    await run(token, route).catch(showSilence);
    uncoverAnswer();
  }

  async function run(token, route) {
    const answer = await send(token, route, session);
    matrix.show(answer);
    showAnswer(answer);
    await keys.update(session);
    if (isYourself(token, route)) {
      you.user = answer.status === 200 ? answer.body : undefined;
      you.refusal = refusalOf(answer, keys.signs(session.accessToken));
      render();
    }
    announce(summaryOf(answer));
    return answer;
  }

  async function showProfile() {
    const answer = await askForProfile(session.accessToken);
    you.profile = profileView(answer);
    render();
    // Rendering has replaced the button, so the focus is restored for keyboard users.
    [...byId('you').querySelectorAll('button')].find(({ textContent }) => textContent === 'Full profile')?.focus();
    announce(you.profile.querySelector('[data-freshness], .problem').textContent);
  }

  render();
  new TokenView(byId('token')).show(session.accessToken);
  matrix.update(session);
  byId('addresses').textContent = `App ${settings.pageUrl} · Provider ${settings.issuer}`;
  byId('send-all').addEventListener('click', () => sendAll(matrix.sendable(session), run).catch(showSilence));
  await keys.update(session);

  // The first request loads the current user.
  if (session.accessToken) await run(tokens[0], routes[0]);
  document.body.dataset.ready = 'true';
}

/** Sends the requests one after the other, so that each response is visible and the last one stays. */
async function sendAll(requests, run) {
  const statuses = [];
  for (const { token, route } of requests) statuses.push((await run(token, route)).status);
  const refused = statuses.filter((status) => status >= 400).length;
  announce(`${statuses.length} requests sent, ${refused} of them refused.`);
}

function refusalOf({ status, body }, isKeyCurrent) {
  if (status >= 500) return 'outage';
  return body.reason === 'key' && isKeyCurrent ? 'early' : 'gone';
}

function isYourself(token, route) {
  return token.id === 'yours' && route.id === 'required';
}
