import { ConfigurationError } from '../errors/auth-error.js';

/** Options as the app passed them, not yet validated. */
export type GivenOptions = Readonly<Record<string, unknown>>;

/**
 * Checks that a value is an options object and that every option name in it is known.
 *
 * @param elsewhere names of options that belong to another place, with the place: `next to the factory: isGlobal`
 */
export function readOptions(where: string, given: unknown, known: readonly string[], elsewhere?: string): GivenOptions {
  const fix = `Known options: ${known.join(', ')}${elsewhere === undefined ? '' : `; ${elsewhere}`}`;
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new ConfigurationError(where, 'an object of options is expected', fix);
  }
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) {
      throw new ConfigurationError(path(where, name), 'there is no option of this name', nearest(name, known) ?? fix);
    }
  }
  return given as GivenOptions;
}

/** Writes an option's path for messages: `oidc({ audience })`. */
export function path(where: string, option: string): string {
  return `${where}({ ${option} })`;
}

/** Reads a non-empty text; `undefined` when the option was omitted. */
export function readText(where: string, options: GivenOptions, option: string): string | undefined {
  const value = options[option];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || value.trim() === '') {
    throw new ConfigurationError(path(where, option), 'a text that is not empty is expected', 'Write a string');
  }
  return value;
}

/** Reads a non-empty text that is required. `fix` states where the developer finds it. */
export function requireText(where: string, options: GivenOptions, option: string, fix: string): string {
  const value = readText(where, options, option);
  if (value === undefined) throw new ConfigurationError(path(where, option), 'it is missing', fix);
  return value;
}

/** Reads a required text or list of texts as a list with at least one entry. */
export function requireTexts(where: string, options: GivenOptions, option: string, fix: string): readonly string[] {
  const value = options[option];
  if (value === undefined) throw new ConfigurationError(path(where, option), 'it is missing', fix);
  const texts: readonly unknown[] = Array.isArray(value) ? value : [value];
  if (texts.length === 0 || !texts.every((text) => typeof text === 'string' && text.trim() !== '')) {
    throw new ConfigurationError(path(where, option), 'a text or a list of texts is expected', fix);
  }
  return Object.freeze([...new Set(texts as readonly string[])]);
}

/** Reads a boolean; `fallback` when the option was omitted. */
export function readSwitch(where: string, options: GivenOptions, option: string, fallback: boolean): boolean {
  const value = options[option];
  if (value === undefined) return fallback;
  if (typeof value !== 'boolean') {
    throw new ConfigurationError(path(where, option), 'true or false is expected', `Left out, it is ${fallback}`);
  }
  return value;
}

/** Reads a finite number within limits; `undefined` when the option was omitted. */
export function readNumber(
  where: string,
  options: GivenOptions,
  option: string,
  limits: { readonly least: number; readonly most: number; readonly whole?: boolean },
): number | undefined {
  const value = options[option];
  if (value === undefined) return undefined;
  const fits = typeof value === 'number' && value >= limits.least && value <= limits.most;
  if (!fits || (limits.whole === true && !Number.isInteger(value))) {
    const kind = limits.whole === true ? 'a whole number' : 'a number';
    throw new ConfigurationError(
      path(where, option),
      `${kind} from ${limits.least} to ${limits.most} is expected`,
      'Write such a number, or leave the option out',
    );
  }
  return value;
}

/** Reads one of the allowed values; `fallback` when the option was omitted. */
export function readChoice<Choice extends string>(
  where: string,
  options: GivenOptions,
  option: string,
  choices: readonly Choice[],
  fallback: Choice,
): Choice {
  const value = options[option];
  if (value === undefined) return fallback;
  const choice = choices.find((known) => known === value);
  if (choice === undefined) {
    throw new ConfigurationError(
      path(where, option),
      `one of ${choices.map((known) => `'${known}'`).join(', ')} is expected`,
      `Left out, it is '${fallback}'`,
    );
  }
  return choice;
}

function nearest(name: string, known: readonly string[]): string | undefined {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[^a-z]/g, '');
  const [closest] = known
    .map((candidate) => ({ candidate, edits: distance(plain(name), plain(candidate)) }))
    .filter(({ edits }) => edits <= 2)
    .sort((a, b) => a.edits - b.edits);
  return closest === undefined ? undefined : `Did you mean ${closest.candidate}`;
}

/** The Levenshtein distance of two texts. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

/**
 * Whether the app runs in production, where what suits development alone is refused. Read at each call, because a file with variables may be
 * loaded after the options were given.
 */
export const isProduction = (): boolean => process.env['NODE_ENV'] === 'production';
