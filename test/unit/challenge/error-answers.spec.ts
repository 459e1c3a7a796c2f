import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import {
  bearerChallenge,
  type Challenge,
  type Challenger,
  ErrorAnswers,
} from '../../../src/challenge/error-answers.js';
import { toHeaderlessBody } from '../../../src/challenge/error-answers.js';
import { type AuthError, AuthUnavailableError, ConfigurationError } from '../../../src/errors/auth-error.js';
import { RefusalError } from '../../../src/errors/auth-error.js';

const bearer: Challenger = {
  challenge: (error) => bearerChallenge(error, error.scheme === null || error.scheme === 'Bearer'),
};

function challenging(...challenges: (Challenge | null)[]): ErrorAnswers {
  return new ErrorAnswers(challenges.map((challenge) => ({ challenge: () => challenge })));
}

function ofScheme(error: AuthError, scheme: string): AuthError {
  error.scheme = scheme;
  return error;
}

describe('an answer', () => {
  it('has one line for each challenge, in the order of the schemes, and Retry-After behind them', () => {
    const answers = challenging(
      { scheme: 'Bearer', parameters: {} },
      null,
      { scheme: 'DPoP', parameters: { algs: 'ES256 EdDSA', error: 'invalid_dpop_proof' } },
      { scheme: 'Basic', parameters: { realm: 'cats' } },
    );
    expect(answers.toAnswer(RefusalError.token('expired', ''), null).headers).toEqual([
      ['WWW-Authenticate', 'Bearer'],
      ['WWW-Authenticate', 'DPoP algs="ES256 EdDSA", error="invalid_dpop_proof"'],
      ['WWW-Authenticate', 'Basic realm="cats"'],
    ]);
  });

  it('has no challenge for a fault, whatever the schemes say', () => {
    const answers = challenging({ scheme: 'Bearer', parameters: {} });
    const { status, headers, body } = answers.toAnswer(new AuthUnavailableError('', 2.1), null);
    expect([status, headers, body.code]).toEqual([503, [['Retry-After', '3']], 'SERVER_ERROR']);
    const wrong = answers.toAnswer(new ConfigurationError('oidc()', 'a secret is wrong', 'Write another'), null);
    expect([wrong.status, wrong.headers]).toEqual([500, []]);
    expect(wrong.body).toEqual({
      statusCode: 500,
      error: 'Internal Server Error',
      message: 'Internal server error',
      code: 'CONFIGURATION_ERROR',
    });
  });

  it('keeps every character out of a parameter that would end it, or the line', () => {
    const answers = challenging({ scheme: 'Basic', parameters: { realm: 'a"b\\c\r\nSet-Cookie: d\u0000é☃' } });
    expect(answers.challengesFor(RefusalError.of('MISSING_TOKEN', ''), null)).toEqual([
      ['WWW-Authenticate', 'Basic realm="abcSet-Cookie: d"'],
    ]);
  });

  it('hands the schemes the error and the request', () => {
    const asked: unknown[] = [];
    const challenge: Challenger['challenge'] = (...of) => {
      asked.push(of);
      return null;
    };
    const answers = new ErrorAnswers([{ challenge }]);
    const error = RefusalError.of('ACCESS_DENIED', '');
    answers.toAnswer(error, null);
    expect(asked).toEqual([[error, null]]);
  });
});

describe('the answer to a sign-in', () => {
  const answers = new ErrorAnswers([bearer]);
  const linesOf = (error: AuthError): unknown => {
    const { status, headers } = answers.toAnswer(error, null);
    return [status, ...headers];
  };

  it.each(['INVALID_CREDENTIALS', 'PASSWORD_REQUIRED'] as const)('names the scheme alone with %s', (code) => {
    expect(linesOf(RefusalError.of(code, ''))).toEqual([401, ['WWW-Authenticate', 'Bearer']]);
  });

  it('states how recent a sign-in has to be', () => {
    const challenge = 'Bearer error="insufficient_user_authentication", max_age="300"';
    expect(linesOf(RefusalError.tooOld(300, ''))).toEqual([401, ['WWW-Authenticate', challenge]]);
  });

  it('states how strong a sign-in has to be, in the order of preference', () => {
    const weak = 'Bearer error="insufficient_user_authentication"';
    const expected = [
      [RefusalError.tooOld(null, ''), weak],
      [RefusalError.tooOld(null, '', ['gold', 'silver']), `${weak}, acr_values="gold silver"`],
      [RefusalError.tooOld(60, '', ['gold']), `${weak}, acr_values="gold", max_age="60"`],
    ] as const;
    for (const [error, challenge] of expected) {
      expect(linesOf(error)).toEqual([401, ['WWW-Authenticate', challenge]]);
    }
  });

  it('has the code that the second factor is sent with, which no log shows', () => {
    const error = RefusalError.secondFactor('the-attempt', '');
    const { status, headers, body } = answers.toAnswer(error, null);
    expect([status, ...headers]).toEqual([401, ['WWW-Authenticate', 'Bearer']]);
    expect(body).toMatchObject({ code: 'MFA_REQUIRED', attemptCode: 'the-attempt' });
    expect(inspect(error, { depth: 9 })).not.toContain('the-attempt');
  });

  it.each([
    [400, ['INVALID_CODE', 'WEAK_PASSWORD']],
    [409, ['EMAIL_TAKEN', 'USERNAME_TAKEN', 'IDENTITY_TAKEN', 'GROUP_EXISTS', 'LAST_SIGN_IN_METHOD']],
  ] as const)('is %i for %j', (status, codes) => {
    for (const code of codes) expect(linesOf(RefusalError.of(code, ''))).toEqual([status]);
  });
});

describe('the answer to a request with a wrong body', () => {
  const answers = new ErrorAnswers([bearer]);

  it('states each member and what is expected of it', () => {
    const { status, body } = answers.toAnswer(RefusalError.input([{ path: 'limit', message: 'a number' }]), null);
    expect(status).toBe(400);
    expect(body).toEqual({
      statusCode: 400,
      error: 'Bad Request',
      message: 'The body or the query of the request breaks a rule',
      code: 'INVALID_INPUT',
      fields: [{ path: 'limit', message: 'a number' }],
    });
  });

  it.each([
    [415, 'Unsupported Media Type', RefusalError.mediaType('')],
    [413, 'Payload Too Large', RefusalError.tooLarge('')],
  ])('is %i, with the code of a malformed request', (status, title, error) => {
    const { body, ...answer } = answers.toAnswer(error, null);
    expect(answer).toEqual({ status, headers: [] });
    expect(body).toEqual({ statusCode: status, error: title, message: error.message, code: 'INVALID_REQUEST' });
  });
});

describe('the challenge of Bearer', () => {
  const linesFor = (error: AuthError): string[] =>
    new ErrorAnswers([bearer]).toAnswer(error, null).headers.map(([, value]) => value);
  const invalidRequest = 'The request carries its credentials in a malformed or contradictory way';

  it.each([
    ['MISSING_TOKEN', RefusalError.of('MISSING_TOKEN', ''), ['Bearer'], ['Bearer']],
    [
      'INVALID_TOKEN',
      RefusalError.token('expired', ''),
      ['Bearer error="invalid_token", error_description="The access token has expired"'],
      ['Bearer'],
    ],
    [
      'INVALID_REQUEST',
      RefusalError.of('INVALID_REQUEST', ''),
      [`Bearer error="invalid_request", error_description="${invalidRequest}"`],
      [],
    ],
    ['INSUFFICIENT_SCOPE', RefusalError.scopes(['a', 'b'], ''), ['Bearer error="insufficient_scope", scope="a b"'], []],
    ['ACCESS_DENIED', RefusalError.of('ACCESS_DENIED', ''), [], []],
    ['NOT_FOUND', RefusalError.of('NOT_FOUND', ''), [], []],
    ['TOO_MANY_ATTEMPTS', RefusalError.tooMany(6.2, ''), ['7'], ['7']],
    ['INVALID_INPUT', RefusalError.input([{ path: 'limit', message: 'a number from 1 to 200' }]), [], []],
    ['a media type', RefusalError.mediaType(''), [], []],
    ['a body that is too large', RefusalError.tooLarge(''), [], []],
  ])('carries %s only when the credential was its own', (_, error, own, other) => {
    expect(linesFor(error)).toEqual(own);
    expect(linesFor(ofScheme(error, 'Bearer'))).toEqual(own);
    expect(linesFor(ofScheme(error, 'Basic'))).toEqual(other);
  });
});

describe('a body without headers', () => {
  it('has what the headers say on HTTP', () => {
    expect(toHeaderlessBody(RefusalError.scopes(['a', 'b'], ''))).toMatchObject({ statusCode: 403, scope: 'a b' });
    expect(toHeaderlessBody(new AuthUnavailableError('', 7))).toMatchObject({ statusCode: 503, retryAfterSeconds: 7 });
    expect(toHeaderlessBody(RefusalError.token('type', ''))).toEqual({
      statusCode: 401,
      error: 'Unauthorized',
      message: 'The access token is of the wrong type',
      code: 'INVALID_TOKEN',
      reason: 'type',
    });
  });
});
