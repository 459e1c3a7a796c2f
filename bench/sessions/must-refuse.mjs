// Refreshes that every app must refuse. One is measured only if it does, because a missing check saves time.
import { publicUrl } from './users.mjs';

async function signIn(port) {
  const response = await fetch(`http://127.0.0.1:${port}/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin: publicUrl },
    body: JSON.stringify({ userId: 'user-0' }),
  });
  return tokenOf(response);
}

function tokenOf(response) {
  const line = response.headers.getSetCookie().find((cookie) => cookie.startsWith('__Host-refresh='));
  return line?.slice('__Host-refresh='.length).split(';', 1)[0];
}

async function refresh(port, token, origin = publicUrl) {
  const cookie = token === undefined ? {} : { cookie: `__Host-refresh=${token}` };
  const response = await fetch(`http://127.0.0.1:${port}/auth/refresh`, {
    method: 'POST',
    headers: { origin, ...cookie },
  });
  await response.arrayBuffer();
  return { status: response.status, token: tokenOf(response) };
}

function withOtherEnd(token) {
  // In the middle, as the last character of base64url may have bits that do not count.
  const at = token.length - 8;
  return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
}

/** Changes the only session of the table. */
function changer(pool, schema) {
  const table = `"${schema}".sessions`;
  return { change: (text) => pool.query(`update ${table} set ${text}`), clear: () => pool.query(`truncate ${table}`) };
}

/** Each with what is done before. `first` is the token of the sign-in, `second` the one that replaced it. */
const cases = {
  'without a token': async () => ({}),
  'of another session': async ({ first, clear }) => {
    await clear();
    return { token: first };
  },
  tampered: async ({ second }) => ({ token: withOtherEnd(second) }),
  'from a page of another site': async ({ second }) => ({ token: second, origin: 'https://other.example' }),
  'of an ended session': async ({ second, change }) => {
    await change(`ended_at = now(), end_reason = 'ended'`);
    return { token: second };
  },
  'of a session that was idle for too long': async ({ second, change }) => {
    await change(`idle_expires_at = now() - interval '1 second'`);
    return { token: second };
  },
  'of a session that is too old': async ({ second, change }) => {
    await change(`absolute_expires_at = now() - interval '1 second'`);
    return { token: second };
  },
  'that was replaced before the grace period': async ({ first, change }) => {
    await change(`replacements = '[[0, ${Date.now() - 11_000}]]'`);
    return { token: first };
  },
};

/** @throws {Error} when the app answers one of them with new tokens, or refuses a good one */
export async function checkRefreshes(title, port, pool, schema) {
  const { change, clear } = changer(pool, schema);
  for (const [what, prepare] of Object.entries(cases)) {
    await clear();
    const first = await signIn(port);
    const { status, token: second } = await refresh(port, first);
    if (status !== 200 || second === undefined || second === first)
      throw new Error(`${title} does not refresh: ${status}`);
    const again = await refresh(port, first);
    if (again.token !== second)
      throw new Error(`${title} does not answer a token within the grace period: ${again.status}`);
    const { token, origin } = await prepare({ first, second, change, clear });
    const answer = await refresh(port, token, origin);
    if (answer.status === 200 || answer.token !== undefined) throw new Error(`${title} accepts a refresh ${what}`);
    if (answer.status >= 500) throw new Error(`${title} answers a refresh ${what} with ${answer.status}`);
  }
  await clear();
}
