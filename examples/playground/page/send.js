import { call, explain, load } from './call.js';

/**
 * Sends one request to the API, and returns everything that the page shows about it. Cookies are sent only by the row that is
 * about them: otherwise "No token" would have one.
 */
export async function send(token, route, credentials) {
  const authorization = await token.authorization(credentials);
  const answer = await call(route.path, {
    credentials: token.sendsCookies ? 'same-origin' : 'omit',
    ...(authorization === undefined ? {} : { headers: { Authorization: authorization } }),
  });
  return {
    ...answer,
    token,
    route,
    authorization,
    title: `${token.label} → ${route.label.toLowerCase()} route`,
    story: token.story,
    cookies: token.sendsCookies ? ['access'] : [],
    mark: route.mark,
    log: await readLog(answer),
  };
}

/** The colour of a response: accepted, accepted with a challenge, refused, or a fault of the server. */
export function toneOf({ status, challenge }) {
  if (status >= 500) return 'outage';
  if (status >= 400) return 'refused';
  return challenge === null ? 'good' : 'noted';
}

/** The lines that the app has logged during a request. The answer is shown also where these cannot be had. */
export async function readLog({ requestId }) {
  if (requestId === null) return { problem: 'The lines cannot be found: the answer has no X-Request-Id.' };
  try {
    return { lines: (await load(`/playground/log/${requestId}`)).lines };
  } catch (error) {
    return { problem: `The lines could not be read. ${explain(error)}` };
  }
}
