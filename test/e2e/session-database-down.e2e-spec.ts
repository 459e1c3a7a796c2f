/** An app with sessions whose database is down when it starts: what the log says. */
import { postgres, SqlStoresModule } from 'nest-gatehouse/sql';
import { expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { LogLines } from '../support/log-lines.js';
import { startSessionApp } from '../support/session-app.js';
const encryptionKey = Buffer.alloc(32, 'a key of the tests').toString('base64');
it.each(platforms)('states for each outage what failed, and what follows, on $name', async (platform) => {
  const logger = new LogLines();
  const { client } = await startSessionApp(platform, {
    logger,
    stores: [SqlStoresModule.forRoot({ database: postgres('postgres://app:geheim@127.0.0.1:9/app'), encryptionKey })],
  });
  expect((await client().signIn('alice')).status).toBe(503);
  expect((await client().call('/me', { token: 'a.b.c' })).status).toBe(401);
  expect(logger.ours('error').map(({ text }) => text)).toEqual([
    expect.stringContaining(
      'Cannot get an answer from the database: it refuses the connection (ECONNREFUSED). Until it answers',
    ),
    expect.stringContaining(
      'Cannot get revocations from the store: The database has not been reached yet. Until it answers, tokens are',
    ),
  ]);
});
