/** Sends one request to the API, and returns everything that the page shows about it. */
export async function send(token, route, session) {
  const authorization = await token.authorization(session);
  const response = await fetch(
    route.path,
    authorization === undefined ? {} : { headers: { Authorization: authorization } },
  );
  const body = await response.json();
  return {
    token,
    route,
    authorization,
    status: response.status,
    statusText: response.statusText,
    challenge: response.headers.get('WWW-Authenticate'),
    retryAfter: response.headers.get('Retry-After'),
    body,
    log: await readLog(response.headers.get('X-Request-Id')),
  };
}

/** The colour of a response: accepted, accepted with a challenge, refused, or a fault of the server. */
export function toneOf({ status, challenge }) {
  if (status >= 500) return 'outage';
  if (status >= 400) return 'refused';
  return challenge === null ? 'good' : 'noted';
}

async function readLog(requestId) {
  const response = await fetch(`/playground/log/${requestId}`);
  return response.ok ? (await response.json()).lines : [];
}
