// A registered symbol, because an ES module and a CommonJS copy of the package may be loaded in one app.
const brand = Symbol.for('nest-gatehouse.answered-exception');

/** An exception of the package that `AuthErrorFilter` sends, although its class is one of Nest's. Matches marked exceptions. */
export abstract class AnsweredException extends Error {
  static override [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && brand in value;
  }
}

/** Marks an exception for `AuthErrorFilter`, because Nest's own handling of it would lose a header, or log a refusal as an error. */
export function markAnswered<Thrown extends Error>(exception: Thrown): Thrown {
  return Object.defineProperty(exception, brand, { value: true });
}
