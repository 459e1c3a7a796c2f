import type { SqlRow } from './sql-database.js';

/** The text of a column that is never null. */
export function readText(row: SqlRow, column: string): string {
  const text = row[column];
  if (text === undefined || text === null) throw new TypeError(`The column ${column} is missing`);
  return text;
}

/** The text of a column, or `null`. */
export function readTextOrNull(row: SqlRow, column: string): string | null {
  return row[column] ?? null;
}

export function readNumber(row: SqlRow, column: string): number {
  return Number(readText(row, column));
}

export function readSwitch(row: SqlRow, column: string): boolean {
  return readText(row, column) === 't';
}

/** A time that was selected by `epochMs`. */
export function readDate(row: SqlRow, column: string): Date {
  return new Date(readNumber(row, column));
}

export function readDateOrNull(row: SqlRow, column: string): Date | null {
  return readTextOrNull(row, column) === null ? null : readDate(row, column);
}

/** Bytes that were selected by `hex`. */
export function readBytes(row: SqlRow, column: string): Buffer {
  return Buffer.from(readText(row, column), 'hex');
}

export function readJson(row: SqlRow, column: string): unknown {
  return JSON.parse(readText(row, column));
}

/**
 * Selects a time in milliseconds since 1970. The text of a `timestamptz` depends on settings of the role and the database
 * (`DateStyle`, `TimeZone`), and this does not. `date_part` gives a float8, which is exact to the millisecond for any year that is
 * kept, and costs less than the numeric of `extract`.
 */
export function epochMs(column: string): string {
  return `round(date_part('epoch', ${column}) * 1000)::int8 as ${column}`;
}

/** Selects bytes in a form that does not depend on the setting `bytea_output`. */
export function hex(column: string): string {
  return `encode(${column}, 'hex') as ${column}`;
}
