import type { JsonObject } from '../token/json-object.js';

/** What a member of a provider's answer must be. `Value` is its type then. */
export interface AnswerRule<Value> {
  /** What is expected, for the log: `a text`. */
  readonly expected: string;
  readonly fits: (value: unknown) => value is Value;
}

/** The members that an answer must have, each with its rule. The answer may have more. */
export type AnswerShape = Readonly<Record<string, AnswerRule<unknown>>>;

/** The type of an answer that fits a shape. */
export type AnswerOf<Shape extends AnswerShape> = {
  readonly [Name in keyof Shape]: Shape[Name] extends AnswerRule<infer Value> ? Value : never;
};

/** The last millisecond that a `Date` can represent. */
const lastMillisecond = 8.64e15;

export const text = rule('a text', (value): value is string => typeof value === 'string');

export const filledText = rule(
  'a text that is not empty',
  (value): value is string => typeof value === 'string' && value !== '',
);

export const flag = rule('true or false', (value): value is boolean => typeof value === 'boolean');

export const list = rule('a list', (value): value is readonly unknown[] => Array.isArray(value));

export const object = rule('an object', isObject);

/** A time in milliseconds since 1970. */
export const milliseconds = rule('a time in milliseconds since 1970', (value): value is number =>
  isBetween(value, lastMillisecond),
);

/** A time in seconds since 1970. */
export const seconds = rule('a time in seconds since 1970', (value): value is number =>
  isBetween(value, lastMillisecond / 1_000),
);

/** One of the given values. */
export function oneOf<Value>(...values: readonly Value[]): AnswerRule<Value> {
  return rule(`one of ${values.map((value) => JSON.stringify(value)).join(', ')}`, (value): value is Value =>
    values.includes(value as Value),
  );
}

/** Accepts `null` as well. The member must be present. */
export function orNull<Value>({ expected, fits }: AnswerRule<Value>): AnswerRule<Value | null> {
  return rule(`${expected} or null`, (value): value is Value | null => value === null || fits(value));
}

/** Accepts `null` and a missing member as well. */
export function optional<Value>({ expected, fits }: AnswerRule<Value>): AnswerRule<Value | null | undefined> {
  return rule(
    `${expected}, null or nothing`,
    (value): value is Value | null | undefined => value === null || value === undefined || fits(value),
  );
}

/** Describes the members that do not fit, without their values; `undefined` when all do. */
export function findMisfit(shape: AnswerShape, answer: JsonObject): string | undefined {
  const misfits = Object.entries(shape)
    // An inherited member is not in the answer.
    .filter(([name, { fits }]) => !fits(Object.hasOwn(answer, name) ? answer[name] : undefined))
    .map(([name, { expected }]) => `${name} is not ${expected}`);
  return misfits.length === 0 ? undefined : misfits.join('; ');
}

function rule<Value>(expected: string, fits: (value: unknown) => value is Value): AnswerRule<Value> {
  return { expected, fits };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isBetween(value: unknown, most: number): boolean {
  return typeof value === 'number' && value >= 0 && value <= most;
}
