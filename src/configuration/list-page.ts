import { RefusalError } from '../errors/auth-error.js';

/** A part of a list. */
export interface Page<Item> {
  readonly items: readonly Item[];
  /** What to pass as `cursor` for the next part; `null` when there is none. */
  readonly nextCursor: string | null;
}

/** Which part of a list is wanted. */
export interface PageOptions {
  /** How many items, 1 to 200. @defaultValue 50 */
  readonly limit?: number;
  /** The `nextCursor` of the part before. @defaultValue the beginning */
  readonly cursor?: string;
}

const mostItems = 200;
const usualItems = 50;

/** @throws {RefusalError} `INVALID_INPUT` for a wrong number. */
export function readLimit({ limit = usualItems }: PageOptions): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= mostItems) return limit;
  throw RefusalError.input([{ path: 'limit', message: `a whole number from 1 to ${mostItems} is expected` }]);
}

/**
 * Reads where a part begins; `null` for the beginning.
 *
 * @param parse gives `null` for a text that `toPage` has not made
 * @throws {RefusalError} `INVALID_INPUT` for such a text.
 */
export function readCursor<Place>({ cursor }: PageOptions, parse: (cursor: string) => Place | null): Place | null {
  if (cursor === undefined) return null;
  const place = typeof (cursor as unknown) === 'string' ? parse(cursor) : null;
  if (place !== null) return place;
  throw RefusalError.input([{ path: 'cursor', message: 'the nextCursor of an earlier answer is expected' }]);
}

/**
 * Makes a part of what was found.
 *
 * @param found one item more than `limit` where there are others
 */
export function toPage<Found, Item>(
  found: readonly Found[],
  limit: number,
  { toItem, cursorOf }: { readonly toItem: (found: Found) => Item; readonly cursorOf: (last: Found) => string },
): Page<Item> {
  const part = found.slice(0, limit);
  const last = part.at(-1);
  return {
    items: part.map((one) => toItem(one)),
    nextCursor: found.length > limit && last !== undefined ? cursorOf(last) : null,
  };
}
