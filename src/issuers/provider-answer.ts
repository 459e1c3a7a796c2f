import { ConfigurationError, AuthUnavailableError, RefusalError } from '../errors/auth-error.js';
import { findBrokenRules } from '../token/claims-class.js';
import { deepFreeze, type JsonObject } from '../token/json-object.js';

/** A class whose class-validator decorators say what is relied on in an answer; it may hold more. */
export type AnswerShape<Shape extends object> = new () => Shape;

/** What somebody has to fix before a provider is of use again: asking much sooner is in vain. */
export const secondsToRecover = 60;

/**
 * The answer as its class describes it, frozen; members that the class does not know stay in it.
 *
 * @param what names the answer in the log: `The answer of PropelAuth to GET /user/{id}`
 * @throws {AuthUnavailableError} when the shape has changed: names the member and the rule, never a value.
 */
export async function readAnswer<Shape extends object>(
  what: string,
  shape: AnswerShape<Shape>,
  body: unknown,
): Promise<Shape & JsonObject> {
  if (!isObject(body)) throw faultOfShape(what, 'it is not a JSON object');
  const broken = await findBrokenRules(new shape(), body);
  if (broken !== undefined) throw faultOfShape(what, broken);
  // What the rules demand of the members is what the class says of their types.
  return deepFreeze(body) as Shape & JsonObject;
}

/** The same for each member of a list. */
export async function readAnswers<Shape extends object>(
  what: string,
  shape: AnswerShape<Shape>,
  body: unknown,
): Promise<readonly (Shape & JsonObject)[]> {
  if (!Array.isArray(body)) throw faultOfShape(what, 'it is not a list');
  return Promise.all(body.map((member, index) => readAnswer(`${what}, at ${index},`, shape, member)));
}

/**
 * The answer must be about the one who was asked for, else nothing in it may be used. Ids are UUIDs, which may be
 * written in either case.
 *
 * @throws {AuthUnavailableError}
 */
export function checkSameUser(what: string, answered: string, asked: string): void {
  if (answered.toLowerCase() === asked.toLowerCase()) return;
  throw new AuthUnavailableError(`${what} is about another user than the one asked for`, secondsToRecover);
}

/**
 * A token that is sent in a header has to be one that a header can send: the platform's error about another
 * would repeat it (RFC 6750 §2.1 allows less).
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
  return new AuthUnavailableError(`${what} is not of the shape that is known: ${problem}`, secondsToRecover);
}

/**
 * A key of the app that is sent in a header. Anything else could not be sent, and the platform's error about it
 * would repeat the key.
 *
 * @throws {ConfigurationError}
 */
export function checkSendableKey(where: string, key: string): string {
  if (/^[\x21-\x7e]+$/.test(key)) return key;
  throw new ConfigurationError(
    where,
    'a key is printable ASCII without spaces',
    'Check for a line break or a quote that was copied along',
  );
}
