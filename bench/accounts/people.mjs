// People with accounts, put into the tables at once, for the measurements of this folder.
import { randomBytes } from 'node:crypto';
import { hash } from '@node-rs/argon2';

export const publicUrl = 'https://api.example';
export const password = 'correct horse battery';
/** Those of nest-gatehouse, which are OWASP's. */
export const argon2 = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

const states = {
  verified: { status: 'enabled', isVerified: true, more: {} },
  disabled: { status: 'disabled', isVerified: true, more: {} },
  unverified: { status: 'enabled', isVerified: false, more: { signUp: { browser: null, isRestart: false } } },
};

export const addressOf = (kind, number) => `${kind}-${number}@example.com`;

/** An address of IPv4 for each number, so that the limits of one network are reached by none. */
export const networkOf = (number) => `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;

/** All have one hash, as it costs the same to verify, and a thousand take long to make. */
export async function addPeople(pool, schema, kind, amount) {
  const { status, isVerified, more } = states[kind];
  const credentials = JSON.stringify({ passwordHash: await hash(password, argon2), ...more });
  const prefix = randomBytes(4).toString('hex');
  await pool.query(
    `insert into "${schema}".accounts (id, email, email_key, email_verified, name, name_key, status, is_anonymous, credentials,
        custom_data, created_at, updated_at)
      select ($1 || '-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, address, address, $2, 'Ada', 'ada', $3, false, $4, '{}',
        now(), now()
      from (select n, $5 || '-' || n || '@example.com' as address from generate_series(0, $6::int4 - 1) as n) as people`,
    [prefix, isVerified, status, credentials, kind, amount],
  );
}
