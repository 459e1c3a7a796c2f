// Keys that every app must refuse. One is measured only if it does, because a missing check saves time.
import { publicUrl } from './users.mjs';

/** Changes the key in the table before it is sent. */
const cases = {
  'with another secret': { secret: (secret) => `${secret[0] === 'A' ? 'B' : 'A'}${secret.slice(1)}` },
  'of another id': { id: (id, other) => other },
  revoked: { change: 'revoked_at = now()' },
  disabled: { change: 'enabled = false' },
  expired: { change: `expires_at = now() - interval '1 second'` },
};

async function ask(port, id, secret) {
  const authorization = `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
  const answer = await fetch(`http://127.0.0.1:${port}/oauth/token`, {
    method: 'POST',
    headers: { authorization },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  return { status: answer.status, body: await answer.json() };
}

function checkToken(title, { access_token: token = '' }, { id, userId }) {
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString() || '{}');
  if (claims.sub !== userId || claims.client_id !== id || claims.iss !== publicUrl)
    throw new Error(`${title} issues a token with ${JSON.stringify(claims)}`);
}

/**
 * @param {{ id: string, secret: string, userId: string }[]} keys one for each case and one more. They are of no use afterwards
 * @throws {Error} when the app issues a token to one of them, or none to a good one
 */
export async function checkKeys(title, port, { pool, schema, keys: [other, ...keys] }) {
  for (const [what, { id, secret, change }] of Object.entries(cases)) {
    const key = keys.shift();
    const good = await ask(port, key.id, key.secret);
    if (good.status !== 200) throw new Error(`${title} refuses a good key: ${good.status}`);
    checkToken(title, good.body, key);
    if (change !== undefined) await pool.query(`update "${schema}".api_keys set ${change} where id = $1`, [key.id]);
    const sent = [id?.(key.id, other.id) ?? key.id, secret?.(key.secret) ?? key.secret];
    const { status } = await ask(port, ...sent);
    if (status !== 401) throw new Error(`${title} answers a key ${what} with ${status}`);
  }
}
