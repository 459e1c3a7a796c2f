import { resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { type DoctorContext, type DoctorFinding, problem } from '../doctor/doctor-check.js';
import { hasFailed, toJson, toText } from '../doctor/print-findings.js';
import { findChecks, ofConfigurationError, runChecks } from '../doctor/run-checks.js';
import { isConfigurationError } from '../errors/auth-error.js';
import { TokenDoctorCheck } from '../explain/token-doctor-check.js';
import { IssuersDoctorCheck } from '../issuers/issuers-doctor-check.js';
import { oidc } from '../issuers/oidc.js';
import { openDetachedExplainer } from '../open-explainer.js';
import { fromBearer } from '../request/token-sources.js';
import { HttpClient } from '../upstream/http-client.js';
import { type CliCommand, type CliProcess, UsageError } from './cli-command.js';
import { inspectPackages, isLoadedTwice } from './installed-packages.js';
import { openApp, OpenAppError } from './open-app.js';

const options = {
  export: { type: 'string' },
  prefix: { type: 'string' },
  url: { type: 'string' },
  origin: { type: 'string' },
  issuer: { type: 'string' },
  audience: { type: 'string', multiple: true },
  token: { type: 'string' },
  offline: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

/** `npx nest-gatehouse doctor`: finds what is wrong with an app before a request does. */
export const doctorCommand: CliCommand = {
  summary: 'Checks an app, or an issuer, and tells which option is wrong',
  help: `Usage: npx nest-gatehouse doctor <dist/app.module.js> [options]
       npx nest-gatehouse doctor --issuer <url> --audience <audience> [options]

Opens the compiled root module of an app without starting it, and checks its options, issuers, routes and stores. It reads
only: nothing listens, nothing is migrated, no key is created. It prints no secret, key or token.

Options:
  --export <name>      The export that is the root module. Default: AppModule, or the only module of the file
  --prefix <prefix>    What main.ts gives to setGlobalPrefix(), because main.ts is not run
  --url <url>          The outside address of the running app, with the path that a proxy removes and without the routes: checks
                       CORS, publicUrl and published metadata
  --origin <origin>    A page that calls the app, as https://app.example.com: checks its cookies, and with --url its CORS
  --token -            Reads an access token from standard input, and tells whether the app accepts it
  --issuer <url>       Checks an issuer without an app
  --audience <name>    The audience of its tokens. It may be repeated
  --offline            Makes no calls
  --json               Writes JSON: { "version": 1, "findings": [...] }
  -h, --help           Writes this text

Exit codes: 0 nothing failed; 1 a check failed; 2 the app could not be opened, or the command line is wrong.
`,
  run: async (args, cli) => {
    const { values, positionals } = parse(args);
    const [file, ...more] = positionals;
    if (more.length > 0) throw new UsageError('There is an argument too many');
    if ((file === undefined) === (values.issuer === undefined)) {
      throw new UsageError('Write the path of the compiled root module, or --issuer');
    }
    const context = await readContext(values, cli);
    const onProgress = progressOn(cli);
    const findings =
      file === undefined
        ? await checkIssuer(values, context, onProgress)
        : await checkApp(file, values, context, onProgress, cli);
    onProgress(null);
    if (findings === null) return 2;
    cli.write(values.json === true ? toJson(findings) : toText(findings, hasColour(cli)));
    return hasFailed(findings) ? 1 : 0;
  },
};

type Values = ReturnType<typeof parse>['values'];
type ShowProgress = (what: string | null) => void;

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: true });
  } catch {
    // The message of `parseArgs` repeats what was written.
    throw new UsageError('There is an option that is unknown, or its value is missing');
  }
}

async function readContext({ url, origin, token, offline }: Values, cli: CliProcess): Promise<DoctorContext> {
  checkAddresses(url, origin);
  if (token !== undefined && token !== '-') {
    throw new UsageError('--token takes - alone, and reads the token from standard input: other users see arguments');
  }
  return {
    offline: offline === true,
    origin: origin ?? null,
    url: url?.replace(/\/+$/, '') ?? null,
    token: token === undefined ? null : (await cli.readInput()).trim(),
    now: () => new Date(),
    http: new HttpClient(),
  };
}

function checkAddresses(url: string | undefined, origin: string | undefined): void {
  if (url !== undefined && !(URL.canParse(url) && /^https?:/.test(url)))
    throw new UsageError('--url is no http address');
  if (origin !== undefined && !(URL.canParse(origin) && new URL(origin).origin === origin)) {
    throw new UsageError('--origin is no origin: write https://app.example.com, without a path and a slash at its end');
  }
}

/** Says on a terminal what the command waits for. */
function progressOn({ isTerminal, writeError }: CliProcess): ShowProgress {
  return (what) => {
    if (isTerminal.error) writeError(what === null ? '\r\u001b[K' : `\r\u001b[K${what} …`);
  };
}

function hasColour({ isTerminal, env }: CliProcess): boolean {
  return isTerminal.output && (env['NO_COLOR'] ?? '') === '';
}

/** `null` where the app could not be opened. */
async function checkApp(
  path: string,
  { export: exportName, prefix }: Values,
  context: DoctorContext,
  onProgress: ShowProgress,
  cli: CliProcess,
): Promise<readonly DoctorFinding[] | null> {
  const file = resolve(path);
  onProgress('Opening the app');
  try {
    const { instances } = await openApp(file, exportName, { globalPrefix: prefix });
    const findings = await runChecks(findChecks(instances), context, onProgress);
    return [...inspectPackages(file), ...findings];
  } catch (error) {
    const packages = inspectPackages(file);
    if (isConfigurationError(error)) return [...packages, ofConfigurationError(error)];
    if (!(error instanceof OpenAppError)) throw error;
    if (isLoadedTwice()) return [...packages, unopened(error)];
    onProgress(null);
    cli.writeError(`${error.message}.\n`);
    return null;
  }
}

/** Two loaded copies of the package keep an app from opening, because Nest does not find the providers of the other one. */
function unopened({ message }: OpenAppError): DoctorFinding {
  return problem('fail', 'app', {
    found: message.split('\n')[0] ?? message,
    expected: 'an app that opens',
    fix: 'Correct what copies-package has found, and run the doctor again',
  });
}

async function checkIssuer(
  { issuer = '', audience = [] }: Values,
  context: DoctorContext,
  onProgress: ShowProgress,
): Promise<readonly DoctorFinding[]> {
  if (audience.length === 0) throw new UsageError('--audience is missing');
  try {
    const provider = oidc({ issuer, audience });
    const { explainer, issuers, close } = openDetachedExplainer(provider);
    const sources = [fromBearer()];
    const parts = { providers: [provider], issuers, upstream: new HttpClient(), ownIssuer: null, sources };
    try {
      const checks = [new IssuersDoctorCheck(parts), new TokenDoctorCheck(explainer, null)];
      return await runChecks(checks, context, onProgress);
    } finally {
      await close();
    }
  } catch (error) {
    if (isConfigurationError(error)) return [ofConfigurationError(error)];
    throw error;
  }
}
