import { showAnswer } from './answer-view.js';
import { readLog } from './send.js';

/** The providers that the app signs people in by, by the ids in the addresses of its routes. */
export const providerNames = { demo: 'the demo provider', github: 'GitHub', misbehaving: 'the misbehaving provider' };

const linkKey = 'linking';

const stories = {
  signIn: 'The app has exchanged the code. Your session is in two cookies, which no script reads.',
  link: 'The identity was added to your account, and your session goes on.',
};

const explanations = {
  access_denied: 'You or the provider declined, or the app did not accept what the provider sent.',
  login_state: 'The answer does not belong to a login that this browser has begun, or was used already.',
  email_taken:
    'An account has this address already, and nothing proves that it is yours. Sign in to that account, then link the provider.',
  identity_taken: 'Another account has this identity, so nothing was linked.',
  temporarily_unavailable: 'The provider did not answer, or not as it should. Try again in a moment.',
};

/** Leaves the page: the app sends the browser to the provider, and from there back to here. */
export function goToProvider(provider) {
  sessionStorage.removeItem(linkKey);
  location.assign(`/auth/login/${provider}`);
}

/** Leaves the page for an address of the provider, to link an identity. */
export function goOnToLink(url) {
  sessionStorage.setItem(linkKey, 'true');
  location.assign(url);
}

/** Signs out of the OpenID provider as well (OpenID Connect RP-Initiated Logout 1.0). */
export function signOutOfProvider({ endSessionEndpoint, clientId, pageUrl }) {
  const parameters = new URLSearchParams({ client_id: clientId, post_logout_redirect_uri: `${pageUrl}/` });
  location.assign(`${endSessionEndpoint}?${parameters}`);
}

/**
 * Reads what a login has come to: the callback of the app has sent the browser to this page, with a code in the address where it
 * has failed.
 *
 * @returns `undefined` where the browser does not come from a login
 */
export function readLogin() {
  const address = new URLSearchParams(location.search);
  const [, provider, requestId] = /(?:^|; )callback=([\w-]+)\.([\w-]+)/.exec(document.cookie) ?? [];
  document.cookie = 'callback=; Path=/; Max-Age=0';
  const error = address.get('error');
  if (provider === undefined && error === null) return undefined;
  // A reload must not tell it again.
  history.replaceState(null, '', '/');
  const isLink = sessionStorage.getItem(linkKey) !== null;
  sessionStorage.removeItem(linkKey);
  const facts = {
    provider,
    requestId: requestId ?? null,
    name: providerNames[provider] ?? 'a provider',
    isNew: address.has('new'),
    isLink,
    isProblem: error !== null,
  };
  return error === null ? { ...facts, ...success(facts) } : { ...facts, ...failure(error) };
}

/** Shows the request by which the provider has called the app back, and the log lines of it. */
export async function showLogin(login) {
  const { provider, requestId, name, isLink, isProblem, sentTo, story } = login;
  showAnswer({
    method: 'GET',
    path: `/auth/callback/${provider ?? '…'}?code=…&state=…`,
    status: 302,
    statusText: 'Found',
    tone: isProblem ? 'refused' : 'good',
    verdict: isProblem ? (isLink ? 'not linked' : 'not signed in') : isLink ? 'linked' : 'signed in',
    challenge: null,
    retryAfter: null,
    location: sentTo,
    body: null,
    cookies: [],
    mark: 'The browser came from the provider.',
    title: `Back from ${name}`,
    story,
    log: await readLog({ requestId }),
  });
}

function success({ name, isNew, isLink }) {
  const sentTo = isNew ? '/?new=1' : '/';
  if (isLink) return { sentTo, text: `Linked: you can sign in by ${name} from now on.`, story: stories.link };
  return { sentTo, text: `Signed in by ${name}${isNew ? '. The account is new.' : '.'}`, story: stories.signIn };
}

function failure(error) {
  const story = explanations[error] ?? 'The page does not know this code.';
  return { sentTo: `/?error=${error}`, text: `error=${error}`, story };
}
