import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { causeOfOutage, RunningApp } from './app.js';

let app: RunningApp;
beforeAll(async () => {
  app = await RunningApp.start();
});
afterAll(() => app.stop());

describe('the packed package in a Nest 11 app, CommonJS and Jest', () => {
  it('asks for a token', async () => {
    expect(await app.getMe()).toMatchObject({ status: 401, challenge: 'Bearer', body: { code: 'MISSING_TOKEN' } });
  });

  it('lets a good token in', async () => {
    const token = await app.issuer.token({ sub: 'u1', aud: 'api' });
    expect(await app.getMe(token)).toEqual({ status: 200, challenge: null, body: { id: 'u1' } });
  });

  it('says that a token has expired', async () => {
    const token = await app.issuer.token({ sub: 'u1', aud: 'api' }, { expiresIn: '-1h' });
    const body = { code: 'INVALID_TOKEN', reason: 'expired' };
    expect(await app.getMe(token)).toMatchObject({ status: 401, body });
  });

  it('loads what a look-up needs when it comes to it', async () => {
    expect(await causeOfOutage()).toContain('ECONNREFUSED');
  });
});

describe('an entry whose peer the app does not have', () => {
  it.each(['websockets', 'microservices'])('is no part of the others, and says what is missing: %s', (entry) => {
    expect(() => require(`nest-gatehouse/${entry}`) as unknown).toThrow(`@nestjs/${entry}`);
  });
});
