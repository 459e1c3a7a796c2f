import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { oidc } from '../../../src/issuers/oidc.js';
import { startServer } from '../../support/answering-server.js';
import { openVerifier } from '../../support/opened-verifier.js';
import { errorOf } from '../../support/outcome.js';

interface Said {
  readonly status?: number;
  readonly headers?: OutgoingHttpHeaders;
  readonly body: unknown;
}

const exp = Math.floor(Date.now() / 1_000) + 300;
const good = { active: true, sub: 'alice', aud: 'api', exp };
const json = { 'content-type': 'application/json' };

/** What comes of an opaque token about which the endpoint says this; and what it was asked. */
async function judge({ status = 200, headers = json, body }: Said) {
  let asked: { method: string | undefined; headers: IncomingHttpHeaders; form: string } | undefined;
  const server = await startServer((request, response) => {
    void text(request).then((form) => {
      asked = { method: request.method, headers: request.headers, form };
      response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  });
  const introspection = { clientId: 'the api', clientSecret: 's:cret', endpoint: `${server.url}/introspect` };
  const { verifier, events } = openVerifier(oidc({ issuer: server.url, audience: 'api', introspection }));
  const error = await errorOf(verifier.verify('an+opaque/token=='));
  const outcome = error === undefined ? 'accepted' : [error.code, error.reason].filter(Boolean).join(' ');
  return { outcome, explanation: error?.explanation ?? '', asked, events, calls: server.requests.length };
}

describe('the question', () => {
  it('is a form that is posted, by a client that proves itself (RFC 7662 §2.1)', async () => {
    const { asked, outcome } = await judge({ body: good });

    expect(outcome).toBe('accepted');
    expect(asked).toMatchObject({
      method: 'POST',
      form: 'token=an%2Bopaque%2Ftoken%3D%3D&token_type_hint=access_token',
      headers: {
        accept: 'application/json',
        authorization: `Basic ${Buffer.from('the+api:s%3Acret').toString('base64')}`,
      },
    });
    expect(asked?.headers['content-type']).toMatch(/^application\/x-www-form-urlencoded\b/);
  });
});

describe('an answer', () => {
  it.each<[string, Said]>([
    ['accepted', { body: good }],
    ['accepted', { body: good, headers: { 'content-type': 'application/json; charset=utf-8' } }],
    ['accepted', { body: { ...good, aud: ['x', 'api'], scope: 'read', username: 'Alice', client_id: 'page' } }],
    ['accepted', { body: { ...good, scope: ['read'], username: null, iss: null, token_type: null } }],
    ['INVALID_TOKEN revoked', { body: { active: false } }],
    ['INVALID_TOKEN revoked', { body: { ...good, active: false } }],
    ['INVALID_TOKEN audience', { body: { ...good, aud: 'other' } }],
    ['INVALID_TOKEN audience', { body: { ...good, aud: undefined } }],
    ['INVALID_TOKEN issuer', { body: { ...good, iss: 'https://other.example' } }],
    ['INVALID_TOKEN claim', { body: { ...good, sub: undefined } }],
    ['INVALID_TOKEN claim', { body: { ...good, sub: '' } }],
    ['INVALID_TOKEN claim', { body: { ...good, exp: undefined } }],
    ['INVALID_TOKEN expired', { body: { ...good, exp: 1_000 } }],
    ['INVALID_TOKEN not_yet_valid', { body: { ...good, nbf: exp } }],
  ])('makes a token %s: %j', async (outcome, said) => {
    const judged = await judge(said);

    expect(judged.outcome).toBe(outcome);
    expect(judged.events).toEqual([]);
    expect(judged.calls).toBe(1);
  });

  it.each<[string, RegExp, Said]>([
    ['our credentials are wrong', /oidc\(\{ introspection: \{ clientId, clientSecret/, { status: 401, body: {} }],
    ['this client may not ask', /does not let this client ask \(status 403/, { status: 403, body: '' }],
    ['our credentials are wrong, said otherwise', /clientSecret/, { status: 400, body: { error: 'invalid_client' } }],
    ['it takes no JWTs', /verify: 'local'/, { status: 400, body: { error: 'unsupported_token_type' } }],
    ['it does not understand', /with status 400/, { status: 400, body: { error: 'invalid_request' } }],
    ['it is not there', /introspection: \{ endpoint \}/, { status: 404, body: 'Not found', headers: {} }],
    ['it answers otherwise', /with status 204/, { status: 204, body: '', headers: {} }],
    [
      'it is signed',
      /RFC|signed JWT/,
      { body: 'e30.e30.x', headers: { 'content-type': 'application/token-introspection+jwt' } },
    ],
    ['it is a page', /did not answer with a JSON object/, { body: '<html>', headers: { 'content-type': 'text/html' } }],
    ['it is garbage', /not JSON/, { body: '{"active":tr' }],
    ['it is a list', /did not answer with a JSON object/, { body: [good] }],
    ['it is null', /did not answer with a JSON object/, { body: 'null' }],
    ['it does not say', /did not say whether the token is active/, { body: {} }],
    ['it says so in another way', /did not say whether/, { body: { ...good, active: 'true' } }],
    ['a user is no text', /gave a "sub"/, { body: { ...good, sub: 7 } }],
    ['a time is no number', /gave a "exp"/, { body: { ...good, exp: '1800000000' } }],
    ['an audience is no text', /gave a "aud"/, { body: { ...good, aud: ['api', 1] } }],
    ['a scope is no text', /gave a "scope"/, { body: { ...good, scope: { read: true } } }],
  ])('is a fault, never a refusal, where %s', async (_, explanation, said) => {
    const judged = await judge(said);

    expect(judged.outcome).toBe('SERVER_ERROR');
    expect(judged.explanation).toMatch(explanation);
    expect(judged.explanation).not.toMatch(/opaque|s:cret|cmV0|<html>/);
    expect(judged.events).toMatchObject([{ type: 'outage-began' }]);
    expect(judged.calls).toBe(1);
  });

  it('of trouble is asked for again, as to ask changes nothing, and is a fault then', async () => {
    const { outcome, calls } = await judge({ status: 500, body: '' });

    expect([outcome, calls]).toEqual(['SERVER_ERROR', 3]);
  });

  it('that asks for a delay is respected, and the caller gets it as Retry-After', async () => {
    const { outcome, calls } = await judge({ status: 429, body: '', headers: { 'retry-after': '30' } });

    expect([outcome, calls]).toEqual(['SERVER_ERROR', 1]);
  });
});
