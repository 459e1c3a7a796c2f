/** A store of sessions that the app has written itself, and that fails. */
import { Global, Module } from '@nestjs/common';
import { embeddedPostgres, SessionStore, SqlStoresModule } from 'nest-gatehouse/sql';
import { describe, expect, it } from 'vitest';

import { platforms } from '../support/app.js';
import { startSessionApp } from '../support/session-app.js';

const fails = (): Promise<never> => Promise.reject(new Error('connection to db:secret@10.0.0.1 lost'));

class FailingSessionStore extends SessionStore {
  override create = fails;
  override find = fails;
  override rotate = fails;
  override end = fails;
  override endAll = fails;
  override list = fails;
  override listByLogin = fails;
  override deleteEnded = fails;
  override purge = fails;
}

@Global()
@Module({
  providers: [{ provide: SessionStore, useClass: FailingSessionStore }],
  exports: [SessionStore],
})
class OwnStoreModule {}

describe.each(platforms)('a store of sessions of the app on $name', (platform) => {
  it('that throws is one that does not answer', async () => {
    const stand = await startSessionApp(platform, {
      stores: [OwnStoreModule, SqlStoresModule.forRoot({ database: embeddedPostgres(), except: [SessionStore] })],
    });
    const client = stand.client('body');
    const signIn = await client.signIn('alice');
    expect([signIn.status, signIn.headers['retry-after'], signIn.text.includes('secret')]).toEqual([503, '5', false]);
    const refresh = await client.post('/auth/refresh', { refresh_token: `grt_${'A'.repeat(80)}` });
    expect([401, 503]).toContain(refresh.status);
    await expect(stand.service.endAll('alice')).rejects.toThrow('not available');
  });
});
