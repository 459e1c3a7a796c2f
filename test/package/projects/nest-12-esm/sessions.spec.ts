import { describe, expect, it } from 'vitest';
import { liveThroughSession, startWithoutDriver } from './sessions-app.js';

describe('an app with sessions of its own, ES modules and Vitest', () => {
  it('signs in, refreshes and signs out on the embedded database', async () => {
    expect(await liveThroughSession()).toEqual({
      statuses: [201, 200, 200, 204, 401],
      me: { id: 'alice', provider: 'own' },
      refreshed: true,
    });
  }, 120_000);

  it('says which driver is missing, and how to install it', async () => {
    expect(await startWithoutDriver()).toContain('npm install pg');
  }, 30_000);
});
