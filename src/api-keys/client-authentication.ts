import { decodeFormText, type FormBody } from '../issuing/form-body.js';
import type { RequestView } from '../request/request-view.js';
import { logText } from '../telemetry/log-text.js';
import { readBasic } from './basic-credentials.js';
import { OAuthRefusal } from './oauth-answer.js';

/** How a client authenticates itself at the endpoints. */
export interface ClientCredentials {
  readonly id: string;
  readonly secret: string;
  readonly scheme: 'Basic' | 'Bearer';
}

/** The parameters that may occur several times (RFC 8707 §2). */
const repeatable = new Set(['resource']);

/**
 * The value of a parameter; `undefined` where it is absent or empty (RFC 6749 §3.2).
 *
 * @throws {OAuthRefusal} `invalid_request` where it occurs several times.
 */
export function readParameter(form: FormBody, name: string): string | undefined {
  const value = form.get(name)?.[0];
  return value === '' ? undefined : value;
}

/** @throws {OAuthRefusal} `invalid_request` where a parameter occurs several times, also one that is not known. */
export function checkParameters(form: FormBody): void {
  for (const [name, values] of form) {
    if (values.length > 1 && !repeatable.has(name)) {
      const explanation = `The parameter ${logText(name)} occurs ${values.length} times`;
      throw new OAuthRefusal('invalid_request', 'A parameter occurs several times', explanation);
    }
  }
}

/**
 * Reads how a client authenticates itself: `client_secret_basic` or `client_secret_post` (RFC 6749 §2.3.1).
 *
 * @returns the refusal of a client that does not, or by a method that is not supported
 * @throws {OAuthRefusal} `invalid_request` for two methods at once.
 * @throws {RefusalError} `INVALID_REQUEST` for a malformed `Authorization` header.
 */
export function readClientCredentials(view: RequestView, form: FormBody): ClientCredentials | OAuthRefusal {
  return readCredentials(view, form) ?? withoutAuthentication(view, form);
}

function readCredentials(view: RequestView, form: FormBody): ClientCredentials | null {
  const [id, secret] = [readParameter(form, 'client_id'), readParameter(form, 'client_secret')];
  const hasHeader = view.headers('authorization').length > 0;
  const hasAssertion = ['client_assertion', 'client_assertion_type'].some((name) => readParameter(form, name));
  if ([hasHeader, hasAssertion, secret !== undefined].filter(Boolean).length > 1) {
    const explanation =
      'Of the Authorization header, client_secret and client_assertion, the request has more than one';
    throw new OAuthRefusal('invalid_request', 'The client authenticates itself in two ways', explanation);
  }
  if (hasHeader) return readHeader(view, id);
  return id === undefined || secret === undefined ? null : { id, secret, scheme: 'Bearer' };
}

function readHeader(view: RequestView, bodyId: string | undefined): ClientCredentials | null {
  const basic = readBasic(view);
  if (basic === undefined) return null;
  // Some clients encode the parts as those of a form before, as the RFC requires, and others do not. Keys have no character that
  // would be another one after decoding.
  const id = decodeFormText(basic.userId) ?? basic.userId;
  const secret = decodeFormText(basic.password) ?? basic.password;
  if (bodyId !== undefined && bodyId !== id) {
    throw new OAuthRefusal('invalid_request', 'client_id is another client than that of the Authorization header');
  }
  return { id, secret, scheme: 'Basic' };
}

function withoutAuthentication(view: RequestView, form: FormBody): OAuthRefusal {
  return new OAuthRefusal(
    'invalid_client',
    'The client has to authenticate itself with the id and secret of an API key',
    `${describeMissing(view, form)}. The client has to send Authorization: Basic, or client_id and client_secret in the form`,
  );
}

function describeMissing(view: RequestView, form: FormBody): string {
  if (view.headers('authorization').length > 0) return 'The Authorization header has another scheme than Basic';
  const given = ['client_assertion', 'client_id', 'client_secret'].find((name) => readParameter(form, name));
  if (given === 'client_assertion') return 'client_assertion (private_key_jwt) is not supported';
  return given === undefined ? 'The client does not authenticate itself' : `The form has ${given} alone`;
}
