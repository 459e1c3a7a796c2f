import { answerText, call, explain, isGood } from './call.js';
import { forgetTokens, keepTokens } from './provider-tokens.js';
import { toBase64url } from './token.js';

const pendingKey = 'sign-in';

/** Redirects to the provider: authorization code with PKCE (RFC 7636), for an API named by `resource` (RFC 8707). */
export async function startSignIn(settings) {
  const verifier = randomText();
  const state = randomText();
  sessionStorage.setItem(pendingKey, JSON.stringify({ verifier, state }));
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
  leave(settings.authorizationEndpoint, {
    response_type: 'code',
    client_id: settings.clientId,
    redirect_uri: redirectUri(settings),
    scope: settings.scope,
    resource: settings.audience,
    state,
    code_challenge: toBase64url(new Uint8Array(digest)),
    code_challenge_method: 'S256',
  });
}

/** @returns {Promise<'nothing' | 'signed in' | { problem: string }>} what the address says about a sign-in */
export async function finishSignIn(settings) {
  const answer = new URLSearchParams(location.search);
  if (!answer.has('code') && !answer.has('error')) return 'nothing';
  // The code can be used once, so it is removed from the history.
  history.replaceState(null, '', '/');

  const pending = JSON.parse(sessionStorage.getItem(pendingKey) ?? 'null');
  sessionStorage.removeItem(pendingKey);
  if (!pending || answer.get('state') !== pending.state) {
    return { problem: 'That answer does not belong to a sign-in of this tab. Please sign in again.' };
  }
  // RFC 9207: the response names the issuer, so that the code is never sent to another one.
  if (answer.get('iss') !== settings.issuer) return { problem: 'The answer came from another provider.' };
  if (answer.has('error')) return { problem: answer.get('error_description') ?? answer.get('error') };
  return exchange(settings, answer.get('code'), pending.verifier);
}

export function signOut(settings) {
  forgetTokens();
  leave(settings.endSessionEndpoint, {
    client_id: settings.clientId,
    post_logout_redirect_uri: redirectUri(settings),
  });
}

async function exchange(settings, code, verifier) {
  try {
    const answer = await requestTokens(settings, code, verifier);
    const { access_token: accessToken, id_token: idToken, error_description: description } = answer.body ?? {};
    if (!isGood(answer)) return { problem: `The provider gave no token: ${description ?? answerText(answer)}` };
    keepTokens(settings.run, { accessToken, idToken });
    return 'signed in';
  } catch (error) {
    return { problem: explain(error) };
  }
}

function requestTokens(settings, code, verifier) {
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    client_id: settings.clientId,
    redirect_uri: redirectUri(settings),
    resource: settings.audience,
    code,
    code_verifier: verifier,
  });
  return call(settings.tokenEndpoint, { method: 'POST', body }, 'The provider');
}

function redirectUri(settings) {
  return `${settings.pageUrl}/`;
}

function leave(address, parameters) {
  location.assign(`${address}?${new URLSearchParams(parameters)}`);
}

function randomText() {
  return toBase64url(crypto.getRandomValues(new Uint8Array(32)));
}
