import { isGood } from './call.js';
import { findProviderToken } from './session-calls.js';

const key = 'provider-token';

/**
 * The access token that the OpenID provider has given for the user of this session, and the one of before. An app would not hand it to its
 * page; this one is for experiments.
 *
 * @returns {Promise<{ accessToken?: string, formerToken?: string }>} without members where the user has not signed in by the provider
 */
export async function findProviderTokens(run) {
  const answer = await findProviderToken();
  if (!isGood(answer)) return {};
  const accessToken = answer.body.token;
  // Another sign-in loads the page anew, so the token of before is kept here. Closing the tab loses it.
  const kept = readKept();
  const isOfThisRun = kept.run === run;
  const formerToken = isOfThisRun && kept.accessToken !== accessToken ? kept.accessToken : kept.formerToken;
  const tokens = { accessToken, formerToken: isOfThisRun ? formerToken : undefined };
  sessionStorage.setItem(key, JSON.stringify({ run, ...tokens }));
  return tokens;
}

export function forgetProviderTokens() {
  sessionStorage.removeItem(key);
}

function readKept() {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? '{}');
  } catch {
    return {};
  }
}
