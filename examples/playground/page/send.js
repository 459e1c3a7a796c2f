/** Sends one request to the API and gathers all that there is to see about it. */
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

/** How an answer is coloured: let through, let through with a word of warning, refused, or nobody's fault but ours. */
export function toneOf({ status, challenge }) {
  if (status >= 500) return 'outage';
  if (status >= 400) return 'refused';
  return challenge === null ? 'good' : 'noted';
}

async function readLog(requestId) {
  const response = await fetch(`/playground/log/${requestId}`);
  return response.ok ? (await response.json()).lines : [];
}
