import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { isConfigurationError } from '../errors/auth-error.js';
import type { ExplainedCheck, Explanation } from '../explain/explanation.js';
import type { TokenExplainer } from '../explain/token-explainer.js';
import { type CliCommand, type CliProcess, type ExitCode, problemOf, UsageError } from './cli-command.js';
import { openApp, OpenAppError } from './open-app.js';

const options = {
  file: { type: 'string' },
  issuer: { type: 'string' },
  audience: { type: 'string', multiple: true },
  app: { type: 'string' },
  export: { type: 'string' },
  scope: { type: 'string', multiple: true },
  claims: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

/** The version of the form of `--json`. It changes when a member is renamed or removed. */
const jsonVersion = 1;

/** `npx nest-gatehouse explain`: says of a credential, check by check, why it is accepted or refused. */
export const explainCommand: CliCommand = {
  summary: 'Says why a token, an API key, a DPoP proof or a challenge is accepted or refused',
  help: `Usage: npx nest-gatehouse explain [options] < token.txt

Reads an access token, an API key, a DPoP proof or a value of WWW-Authenticate from standard input, and writes the checks in the
order in which a request is checked. It never writes the text itself, a signature or a secret. A DPoP proof, a value of
WWW-Authenticate and the form of an API key need neither --issuer nor --app.

Options:
  --file <path>       Reads this file in place of standard input. The text is never an argument, as other users see arguments
  --issuer <url>      The issuer, as the app names it in oidc({ issuer })
  --audience <name>   The audience, as the app names it. May be repeated
  --app <path>        The compiled root module of the app, dist/app.module.js, in place of --issuer: its own options decide
  --export <name>     The export of that file. Default: AppModule
  --scope <scope>     A scope that the route requires, as @RequireScopes() has it. May be repeated
  --claims            Writes the claims as well. They may have data about a person
  --json              Writes JSON
  -h, --help          Writes this text

Exit codes: 0 it is accepted; 1 it is refused; 2 that could not be found out, or the command line is wrong.
`,
  run: async (args, cli) => {
    const given = parse(args);
    const opening = readTarget(given);
    const text = await readText(given.file, cli);
    try {
      return await explain(text, opening, given, cli);
    } catch (error) {
      if (!(error instanceof OpenAppError) && !isConfigurationError(error)) throw error;
      cli.writeError(`${error.message}${isConfigurationError(error) ? '' : '.'}\n`);
      return 2;
    }
  },
};

type Given = ReturnType<typeof parse>;

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(`${problemOf(error)}. The text comes from standard input or --file`);
  }
}

interface Opened {
  readonly explainer: TokenExplainer;
  readonly close: () => Promise<void>;
}

/** Opens the explainer for a text. */
type Opening = (text: string) => Promise<Opened>;

function readTarget({ issuer, audience, app, export: exportName }: Given): Opening {
  if (app !== undefined) {
    if (issuer !== undefined || audience !== undefined) throw new UsageError('Write either --app or --issuer');
    return () => openExplainerOf(app, exportName);
  }
  if (exportName !== undefined) throw new UsageError('--export belongs to --app');
  if (issuer === undefined && audience === undefined) return openExplainerAlone;
  if (issuer === undefined) throw new UsageError('--issuer is missing');
  if (audience === undefined) throw new UsageError('--audience is missing');
  return () => openExplainerFor(issuer, audience);
}

// What verifies tokens is loaded here, so that other commands start without it.
async function openExplainerFor(issuer: string, audience: readonly string[]): Promise<Opened> {
  const [{ oidc }, { openDetachedExplainer }] = await Promise.all([
    import('../issuers/oidc.js'),
    import('../open-explainer.js'),
  ]);
  return openDetachedExplainer(oidc({ issuer, audience }));
}

/** For what needs no issuer. @throws {UsageError} for an access token. */
async function openExplainerAlone(text: string): Promise<Opened> {
  const [{ needsIssuer }, { openDetachedExplainer }] = await Promise.all([
    import('../explain/token-explainer.js'),
    import('../open-explainer.js'),
  ]);
  if (needsIssuer(text)) throw new UsageError('--issuer and --audience are missing, or --app');
  return openDetachedExplainer();
}

async function openExplainerOf(path: string, exportName: string | undefined): Promise<Opened> {
  const { instances, moduleName } = await openApp(path, exportName);
  const { findExplainer } = await import('../explain/token-explainer.js');
  const explainer = findExplainer(instances);
  // Nothing was started, so there is nothing to end.
  if (explainer !== null) return { explainer, close: () => Promise.resolve() };
  throw new OpenAppError(`${moduleName} does not import AuthModule, or a version of it that explains nothing`);
}

async function readText(file: string | undefined, cli: CliProcess): Promise<string> {
  const text = file === undefined ? await cli.readInput() : await readFile(file, 'utf8').catch(() => null);
  if (text === null) throw new UsageError('The file cannot be read');
  if (text.trim() === '') throw new UsageError('The text is empty');
  return text;
}

async function explain(
  text: string,
  open: Opening,
  { claims = false, scope: scopes = [], json }: Given,
  cli: CliProcess,
): Promise<ExitCode> {
  const { explainer, close } = await open(text);
  try {
    const explanation = await explainer.explain(text, { claims, scopes });
    cli.write(
      json === true ? `${JSON.stringify({ version: jsonVersion, ...explanation }, null, 2)}\n` : print(explanation),
    );
    return exitCodes[explanation.outcome];
  } finally {
    await close();
  }
}

const exitCodes: Readonly<Record<Explanation['outcome'], ExitCode>> = { accepted: 0, refused: 1, undecided: 2 };

const kinds: Readonly<Record<Explanation['kind'], string>> = {
  jwt: 'Access token (JWT)',
  'opaque-token': 'Opaque access token',
  'api-key': 'API key',
  'dpop-proof': 'DPoP proof',
  challenge: 'Challenge of an answer',
};

const marks: Readonly<Record<ExplainedCheck['status'], string>> = { passed: 'ok', failed: 'FAIL', not_checked: '--' };

function print(explanation: Explanation): string {
  const { kind, outcome, checks, firstFailure, claims } = explanation;
  const lines = checks.flatMap((check) => printCheck(check, check === firstFailure));
  const content = claims === undefined ? [] : ['', `Claims: ${JSON.stringify(claims, null, 2)}`];
  return `${[kinds[kind], '', ...lines, ...content, '', conclusionOf(explanation, outcome)].join('\n')}\n`;
}

function printCheck(check: ExplainedCheck, isFirst: boolean): readonly string[] {
  const { title, status, found, expected, option, fix, explanation, docs } = check;
  const head = `  ${marks[status].padEnd(5)} ${title}${isFirst ? '   <-- the request is refused for this' : ''}`;
  if (status === 'passed') return [found === null ? head : `${head}: ${found}`];
  if (status === 'not_checked')
    return [`${head}: ${found === null ? '' : `${found}; `}not checked. ${explanation ?? ''}`];
  const details: readonly (readonly [string, string | null])[] = [
    ['found', found],
    ['expected', expected],
    ['log', explanation],
    ['option', option],
    ['fix', fix],
    ['see', docs],
  ];
  return [head, ...details.flatMap(([name, value]) => (value === null ? [] : `        ${name.padEnd(9)} ${value}`))];
}

function conclusionOf({ code, reason, checks }: Explanation, outcome: Explanation['outcome']): string {
  if (outcome === 'accepted') return `Accepted: every check that could be made has passed.${hintAtScopes(checks)}`;
  if (outcome === 'undecided') return 'Undecided: nothing speaks against it, but not everything could be checked.';
  return `Refused: ${code ?? ''}${reason === null ? '' : `, ${reason}`}.`;
}

/** A token that the app accepts may still lack what a route requires. */
function hintAtScopes(checks: readonly ExplainedCheck[]): string {
  const isRouteOpen = checks.some(({ id }) => id === 'route') && !checks.some(({ id }) => id === 'scope');
  return isRouteOpen ? ' If a route answers 403 with it, add --scope with each scope that the route requires.' : '';
}
