import { parseArgs } from 'node:util';
import { isConfigurationError } from '../errors/auth-error.js';
import { applyMigrations, printMigrations } from '../sql/migrations.js';
import { postgres } from '../sql/postgres.js';
import { SqlFailure } from '../sql/sql-database.js';
import { readSchema } from '../sql/sql-stores-options.js';
import { type CliCommand, type CliProcess, type ExitCode, problemOf, UsageError } from './cli-command.js';

const usualSchema = 'gatehouse';
/** For a connection. A migration itself may take longer. */
const connectTimeoutMs = 10_000;

const options = {
  'database-url': { type: 'string' },
  schema: { type: 'string' },
  print: { type: 'boolean' },
} as const;

/** `npx nest-gatehouse migrate`: does what an app with `migrate: true` does when it starts. */
export const migrateCommand: CliCommand = {
  summary: 'Creates the tables of the app in PostgreSQL, or brings them up to date',
  help: `Usage: npx nest-gatehouse migrate [options]

Creates the tables of SqlStoresModule in PostgreSQL, or brings them up to date. Running it again changes nothing, and several
may run at once. The database is the one of the environment variable DATABASE_URL.

Options:
  --database-url <url>  The database, in place of DATABASE_URL. Other users of this machine can see it while the command runs
  --schema <name>       The schema, as in SqlStoresModule.forRoot({ schema }). Default: ${usualSchema}
  --print               Writes the SQL, and connects to no database. It is one transaction, and can be run again
  -h, --help            Writes this text

Exit codes: 0 the tables are up to date; 1 they could not be brought up to date; 2 the command line is wrong.
`,
  run: async (args, cli) => {
    const { print, schema: given, 'database-url': url } = parse(args);
    const schema = checkSchema(given ?? usualSchema);
    if (print === true) {
      cli.write(printMigrations(schema));
      return 0;
    }
    return await migrate(url ?? cli.env['DATABASE_URL'], schema, cli);
  },
};

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(problemOf(error));
  }
}

function checkSchema(given: string): string {
  try {
    return readSchema('--schema', given);
  } catch (error) {
    throw new UsageError(isConfigurationError(error) ? error.explanation : '--schema is wrong');
  }
}

async function migrate(url: string | undefined, schema: string, cli: CliProcess): Promise<ExitCode> {
  if (url === undefined || url === '') throw new UsageError('DATABASE_URL is not set, and --database-url is missing');
  const database = await postgres(url, { maxConnections: 1 }).open({ statementTimeoutMs: connectTimeoutMs });
  try {
    const applied = await applyMigrations(database, { schema, migrate: true, now: () => new Date() });
    for (const name of applied) cli.write(`Applied: ${name}\n`);
    cli.write(`The tables of the schema ${schema} are up to date.\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof SqlFailure)) throw error;
    cli.writeError(`The database cannot be used: ${error.message}.\n`);
    return 1;
  } finally {
    await database.close();
  }
}
