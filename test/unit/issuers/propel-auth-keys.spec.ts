import { inspect } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { propelAuth } from '../../../src/issuers/propel-auth/propel-auth.js';
import type { AuthEvent } from '../../../src/telemetry/auth-event.js';
import { TestIssuer } from '../../../src/testing/test-issuer.js';
import type { TokenVerifier } from '../../../src/token/token-verifier.js';
import { type AnsweringServer, startServer } from '../../support/answering-server.js';
import { ManualClock } from '../../support/manual-clock.js';
import { openVerifier } from '../../support/opened-verifier.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';

const apiKey = 'backend-integration-key';
const clock = new ManualClock();
/** Two projects' keys are enough for a rotation, and RSA keys are slow to make. */
let before: TestIssuer;
let after: TestIssuer;

beforeAll(async () => {
  [before, after] = await Promise.all([
    TestIssuer.start({ algorithm: 'RS256', clock }),
    TestIssuer.start({ algorithm: 'RS256', clock }),
  ]);
}, 60_000);

afterAll(() => Promise.all([before.stop(), after.stop()]));

interface Answer {
  readonly status?: number;
  readonly body?: unknown;
}

let answer: Answer;
let api: AnsweringServer;
let verifier: TokenVerifier;
let events: readonly AuthEvent[];

const authUrl = 'https://auth.lumenworks.example:8443';

beforeEach(async () => {
  answer = { body: { verifier_key_pem: before.publicKeyPem } };
  api = await startServer((_, response) => {
    response
      .writeHead(answer.status ?? 200, { 'content-type': 'application/json' })
      .end(JSON.stringify(answer.body ?? {}));
  });
  ({ verifier, events } = openVerifier(propelAuth({ authUrl: `${authUrl}/login`, apiKey, apiUrl: `${api.url}/` }), {
    clock,
  }));
});

let count = 0;

/** A new token each time, so that none comes out of the cache. */
async function judge(issuer: TestIssuer = before): Promise<string> {
  count += 1;
  return outcomeOf(verifier.verify(await issuer.token({ iss: authUrl, user_id: 'u1', jti: count })));
}

describe('the verifier key', () => {
  it('is asked for at the first token and not before, once for many', async () => {
    expect(api.requests).toHaveLength(0);

    expect(await Promise.all([judge(), judge(), judge()])).toEqual(['accepted', 'accepted', 'accepted']);
    expect(await judge()).toBe('accepted');
    expect(api.requests).toHaveLength(1);
  });

  it('is asked for with the key and the host of the project, without its port', async () => {
    await judge();

    expect(api.requests.map(({ path }) => path)).toEqual(['/api/v1/token_verification_metadata']);
    expect(api.requests[0]?.headers).toMatchObject({
      authorization: `Bearer ${apiKey}`,
      'x-propelauth-url': 'auth.lumenworks.example',
    });
  });

  it('is asked for at propelauth-api.com where apiUrl is left out', async () => {
    const asked: string[] = [];
    const opened = openVerifier(propelAuth({ authUrl, apiKey }), {
      clock,
      fetch: (url, init) => {
        asked.push(url);
        return globalThis.fetch(url.replace('https://propelauth-api.com', api.url), init);
      },
    });
    const token = await before.token({ iss: authUrl, user_id: 'u1' });

    expect(await outcomeOf(opened.verifier.verify(token))).toBe('accepted');
    expect(asked).toEqual(['https://propelauth-api.com/api/v1/token_verification_metadata']);
  });

  it('is asked for again after a failure, at growing intervals', async () => {
    answer = { status: 500 };
    expect(await judge()).toBe('SERVER_ERROR');
    expect(await judge()).toBe('SERVER_ERROR');
    expect(api.requests).toHaveLength(2);

    // From the second failure on it waits: 1 to 1.5 seconds now.
    expect(await judge()).toBe('SERVER_ERROR');
    expect(api.requests).toHaveLength(2);
    clock.advanceSeconds(1.5);
    expect(await judge()).toBe('SERVER_ERROR');
    expect(api.requests).toHaveLength(3);
    clock.advanceSeconds(1.5);
    expect(await judge()).toBe('SERVER_ERROR');
    expect(api.requests).toHaveLength(3);

    answer = { body: { verifier_key_pem: before.publicKeyPem } };
    clock.advanceSeconds(2);
    expect(await judge()).toBe('accepted');
    expect(api.requests).toHaveLength(4);
    expect(events.map(({ type }) => type)).toEqual(['outage-began', 'outage-ended']);
  });

  it('is asked for again when a signature does not fit it, as it may have been replaced', async () => {
    await judge();
    answer = { body: { verifier_key_pem: after.publicKeyPem } };

    expect(await judge(after)).toBe('accepted');
    expect(api.requests).toHaveLength(2);
    // The old one is withdrawn with it, for tokens too that have passed before.
    expect(await judge(before)).toBe('INVALID_TOKEN signature');
  });

  it('is not asked for at every forged token', async () => {
    await judge();
    for (let forged = 0; forged < 20; forged += 1) expect(await judge(after)).toBe('INVALID_TOKEN signature');
    expect(api.requests).toHaveLength(1 + 3);

    clock.advanceSeconds(9);
    await judge(after);
    expect(api.requests).toHaveLength(1 + 3);
    clock.advanceSeconds(2);
    await judge(after);
    expect(api.requests).toHaveLength(1 + 4);
    expect(await judge()).toBe('accepted');
  });

  it('is not believed for life: a token that passed is refused after a rotation', async () => {
    const token = await before.token({ iss: authUrl, user_id: 'u1' }, { expiresIn: '2h' });
    expect(await outcomeOf(verifier.verify(token))).toBe('accepted');
    answer = { body: { verifier_key_pem: after.publicKeyPem } };
    clock.advanceSeconds(11 * 60);

    await expect.poll(() => outcomeOf(verifier.verify(token))).toBe('INVALID_TOKEN signature');
    // The refresh, and one look for a newer key, as a misfit may mean one.
    expect(api.requests).toHaveLength(3);
  });

  it('serves on while PropelAuth does not answer', async () => {
    await judge();
    answer = { status: 503 };
    clock.advanceSeconds(11 * 60);

    expect(await judge()).toBe('accepted');
    await expect.poll(() => events.map(({ type }) => type)).toEqual(['outage-began']);
    expect(await judge()).toBe('accepted');
  });

  it.each<[string, unknown]>([
    ['nothing', {}],
    ['null', null],
    ['a list', []],
    ['no PEM', { verifier_key_pem: 'hello' }],
    ['a number', { verifier_key_pem: 7 }],
    ['the name that the docs have', { public_key_pem: 'hello' }],
  ])('is an outage when the answer holds %s', async (_, body) => {
    answer = { body };

    expect(await judge()).toBe('SERVER_ERROR');
    expect(events).toHaveLength(1);
  });

  it('is an outage when it is no RSA key', async () => {
    const ec = await TestIssuer.start({ algorithm: 'ES256' });
    answer = { body: { verifier_key_pem: ec.publicKeyPem } };
    await ec.stop();

    expect(await judge()).toBe('SERVER_ERROR');
    expect(events[0]).toMatchObject({
      type: 'outage-began',
      problem: expect.stringContaining('not an RSA key') as string,
    });
  });
});

describe('an API key that PropelAuth does not accept', () => {
  it('is a fault of ours, reported once, and shown in no text', async () => {
    answer = { status: 401, body: { error: `bad key ${apiKey}` } };
    const errors = [];
    for (let tries = 0; tries < 5; tries += 1) {
      errors.push(await errorOf(verifier.verify(await before.token({ iss: authUrl, user_id: 'u1' }))));
      clock.advanceSeconds(5);
    }

    expect(errors.map((error) => error?.code)).toEqual(Array(5).fill('SERVER_ERROR'));
    expect(errors.map((error) => error?.reason)).toEqual(Array(5).fill(null));
    expect(events).toEqual([
      {
        type: 'outage-began',
        what: 'the verifier key of auth.lumenworks.example',
        problem: 'PropelAuth does not accept propelAuth({ apiKey }): check it',
        consequence: 'Until it answers, tokens that need these keys are answered with 503',
      },
    ]);
    const texts = [...errors.map((error) => inspect(error, { showHidden: true, depth: 20 })), inspect(events)];
    for (const text of texts) expect(text).not.toContain(apiKey);
  });
});
