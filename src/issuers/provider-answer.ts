import { ConfigurationError, AuthUnavailableError, RefusalError } from '../errors/auth-error.js';
import { deepFreeze, type JsonObject } from '../token/json-object.js';
import { type AnswerOf, type AnswerShape, findMisfit } from './answer-rules.js';

/** The `Retry-After` of faults that last until somebody has fixed a configuration. */
export const secondsToRecover = 60;

/**
 * Checks an answer against a shape, and freezes it. Members that the shape does not know are kept.
 *
 * @param what names the answer in the log: `The answer of PropelAuth to GET /user/{id}`
 * @throws {AuthUnavailableError} when the answer does not fit: names the member and what is expected, never a value.
 */
export function readAnswer<Shape extends AnswerShape>(
  what: string,
  shape: Shape,
  body: unknown,
): AnswerOf<Shape> & JsonObject {
  if (!isObject(body)) throw faultOfShape(what, 'it is not a JSON object');
  const misfit = findMisfit(shape, body);
  if (misfit !== undefined) throw faultOfShape(what, misfit);
  return deepFreeze(body) as AnswerOf<Shape> & JsonObject;
}

/** Checks each member of a list against a shape. */
export function readAnswers<Shape extends AnswerShape>(
  what: string,
  shape: Shape,
  body: unknown,
): readonly (AnswerOf<Shape> & JsonObject)[] {
  if (!Array.isArray(body)) throw faultOfShape(what, 'it is not a list');
  return body.map((member, index) => readAnswer(`${what}, at ${index},`, shape, member));
}

/**
 * Checks that an answer is about the requested user; otherwise it must not be used. Ids are UUIDs, which may be written in
 * either case.
 *
 * @throws {AuthUnavailableError}
 */
export function checkSameUser(what: string, answered: string, asked: string): void {
  if (answered.toLowerCase() === asked.toLowerCase()) return;
  throw new AuthUnavailableError(`${what} is about another user than the one asked for`, secondsToRecover);
}

/**
 * Checks that a token can be sent in a header, because the platform's error would repeat it (RFC 6750 §2.1 allows fewer
 * characters).
 *
 * @throws {RefusalError} with reason `malformed`.
 */
export function checkSendable(token: string): void {
  if (/^[\x21-\x7e]+$/.test(token)) return;
  throw RefusalError.token('malformed', 'It holds characters that no token has');
}

function isObject(body: unknown): body is JsonObject {
  return typeof body === 'object' && body !== null && !Array.isArray(body);
}

function faultOfShape(what: string, problem: string): AuthUnavailableError {
  return new AuthUnavailableError(`${what} does not have the known form: ${problem}`, secondsToRecover);
}

/**
 * Checks that a key of the app can be sent in a header, because the platform's error would repeat the key.
 *
 * @throws {ConfigurationError}
 */
export function checkSendableKey(where: string, key: string): string {
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new ConfigurationError(
    where,
    'a key is printable ASCII without spaces',
    'Check for a line break or a quote that was copied with it',
  );
}
