/**
 * What a policy says about a call: `true` lets it pass, and nothing else does. `false` refuses it, and so does a text,
 * or `{ granted: false, reason }`: a reason goes into the log at `debug`, and never into the answer.
 */
export type PolicyAnswer = boolean | string | PolicyRefusal;

export interface PolicyRefusal {
  readonly granted: false;
  readonly reason?: string;
}

/** What a policy has said. `nonsense`: it gave something that is no answer, so that the app has to be mended. */
export type ReadAnswer =
  | { readonly kind: 'granted' }
  | { readonly kind: 'refused'; readonly reason: string | null }
  | { readonly kind: 'nonsense'; readonly given: string };

/** Reads what a policy gave: anything may have come. */
export function readPolicyAnswer(answer: unknown): ReadAnswer {
  if (answer === true) return { kind: 'granted' };
  if (answer === false) return { kind: 'refused', reason: null };
  if (typeof answer === 'string') return { kind: 'refused', reason: answer === '' ? null : answer };
  return readRefusal(answer) ?? { kind: 'nonsense', given: describe(answer) };
}

function readRefusal(answer: unknown): ReadAnswer | null {
  if (typeof answer !== 'object' || answer === null || !Object.hasOwn(answer, 'granted')) return null;
  const { granted, reason } = answer as Readonly<Record<string, unknown>>;
  if (granted !== false) return null;
  return { kind: 'refused', reason: typeof reason === 'string' && reason !== '' ? reason : null };
}

/** The kind of thing, and nothing of what is in it: it may be a row of the app's database. */
function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
