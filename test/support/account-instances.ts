/** Instances of one app that keeps accounts, which share a database, as they do behind a load balancer. */
import type { AccountsModuleOptions } from 'nest-gatehouse/accounts';
import type { Platform } from './app.js';
import type { Answer } from './http.js';
import { type MailApp, outcome, startMailApp } from './mail-app.js';
import { ManualClock } from './manual-clock.js';
import { runSql } from './postgres.js';
import { SharedDatabase } from './session-instances.js';
import type { SessionAppParts } from './session-app.js';

export interface AccountInstances {
  readonly one: MailApp;
  readonly other: MailApp;
  readonly clock: ManualClock;
  readonly database: SharedDatabase;
}

/** Two instances with the same clock, each with a mailbox for the mails that it sends itself. */
export async function startAccountInstances(
  platform: Platform,
  options: AccountsModuleOptions = {},
  parts: SessionAppParts = {},
): Promise<AccountInstances> {
  const database = new SharedDatabase();
  const clock = new ManualClock();
  const start = (): Promise<MailApp> => {
    // Stale for so long, because tests advance the clock by hours.
    const auth = { revocation: { refreshSeconds: 1, serveStaleForSeconds: 86_400 }, ...parts.auth };
    return startMailApp(platform, options, { ...parts, clock, auth, stores: database.stores() });
  };
  return { one: await start(), other: await start(), clock, database };
}

/** Makes so many calls at once, each second one at the other instance. @returns how often each outcome came */
export async function outcomesOf(
  { one, other }: AccountInstances,
  times: number,
  call: (instance: MailApp, at: number) => Promise<Answer>,
): Promise<Readonly<Record<string, number>>> {
  const answers = await Promise.all(Array.from({ length: times }, (_, at) => call(at % 2 === 0 ? one : other, at)));
  const outcomes = answers.map((answer) => {
    const [status, code] = outcome(answer);
    return typeof code === 'string' ? `${status} ${code}` : String(status);
  });
  const count = (text: string): number => outcomes.filter((known) => known === text).length;
  return Object.fromEntries([...new Set(outcomes)].sort().map((text) => [text, count(text)]));
}

/** All rows of all tables of a schema, as PostgreSQL writes them, by the name of the table. */
export async function dumpTables(schema: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const tables = await runSql(`select table_name as name from information_schema.tables where table_schema = $1`, [
    schema,
  ]);
  const rows = tables.map(async ({ name }) => {
    const found = await runSql(`select row::text as text from "${schema}"."${String(name)}" as row`);
    return [String(name), found.map(({ text }) => String(text))] as const;
  });
  return new Map(await Promise.all(rows));
}
