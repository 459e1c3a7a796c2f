import { parseArgs } from 'node:util';
import type { LocalIssuer, LocalIssuerParts } from '../testing/local-issuer.js';
import type { TestClaims } from '../testing/test-issuer-options.js';
import { type CliCommand, type CliProcess, type ExitCode, problemOf, UsageError } from './cli-command.js';

const options = {
  audience: { type: 'string', multiple: true },
  port: { type: 'string' },
  claims: { type: 'string' },
  user: { type: 'string' },
  keys: { type: 'string' },
} as const;

const usualPort = 4_100;
const usualUser = 'alice';

/** `npx nest-gatehouse issuer`: an issuer for the machine of a developer. */
export const issuerCommand: CliCommand = {
  summary: 'Starts an issuer for this machine, which signs any token',
  help: `Usage: npx nest-gatehouse issuer --audience <name> [options]

Starts an OpenID Connect issuer on 127.0.0.1, and writes its address, a token and the curl that uses it. Its page signs tokens with
other claims. It signs whatever is asked for: never make an app trust it that others can reach.

Options:
  --audience <name>   The "aud" of the tokens, as in oidc({ audience }). May be repeated
  --port <port>       Default: ${String(usualPort)}
  --user <id>         The "sub" of the tokens. Default: ${usualUser}
  --claims <json>     Further claims of the tokens: '{"scope":"read","roles":["admin"]}'
  --keys <path>       Keeps the keys in this file, readable by you alone, so that tokens stay valid after a restart
  -h, --help          Writes this text

Keys of the keyboard, on a terminal: r rotates the keys, o begins and ends an outage, q quits.

Exit codes: 0 it was stopped; 1 it could not start; 2 the command line is wrong.
`,
  run: async (args, cli) => {
    const parts = readParts(args);
    const { LocalIssuer: Issuer } = await import('../testing/local-issuer.js');
    let issuer: LocalIssuer;
    try {
      issuer = await Issuer.start(parts);
    } catch (error) {
      cli.writeError(`${describe(error, parts.port)}.\n`);
      return 1;
    }
    return await serve(issuer, parts, cli);
  },
};

function readParts(args: readonly string[]): LocalIssuerParts {
  const { audience, port, claims, user = usualUser, keys } = parse(args);
  const [first, ...others] = audience ?? [];
  if (first === undefined) throw new UsageError('--audience is missing');
  const aud = others.length === 0 ? first : [first, ...others];
  return {
    port: readPort(port),
    claims: { sub: user, aud, ...readClaims(claims) },
    keysFile: keys ?? null,
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(problemOf(error));
  }
}

function readPort(given: string | undefined): number {
  if (given === undefined) return usualPort;
  const port = /^\d{1,5}$/.test(given) ? Number(given) : Number.NaN;
  if (port <= 65_535) return port;
  throw new UsageError('--port is not a number from 0 to 65535');
}

function readClaims(given: string | undefined): TestClaims {
  if (given === undefined) return {};
  try {
    const claims: unknown = JSON.parse(given);
    if (typeof claims === 'object' && claims !== null && !Array.isArray(claims)) return claims as TestClaims;
  } catch {
    // The message of JSON.parse repeats the text.
  }
  throw new UsageError('--claims is not a JSON object');
}

/** Errors of the file of the keys say everything themselves. */
function describe(error: unknown, port: number): string {
  const { code, name, message } = error as { code?: unknown; name?: unknown; message?: unknown };
  if (code === 'EADDRINUSE') return `Port ${String(port)} is in use. Name another one by --port`;
  if (name === 'KeptKeysError' && typeof message === 'string') return message;
  throw error;
}

async function serve(issuer: LocalIssuer, parts: LocalIssuerParts, cli: CliProcess): Promise<ExitCode> {
  cli.write(await introduce(issuer, parts));
  const onKey = async (key: string): Promise<void> => {
    if (key === 'o') cli.write(issuer.toggleOutage() ? 'Outage: answers 503.\n' : 'Answers again.\n');
    if (key !== 'r') return;
    await issuer.rotate();
    cli.write(`Rotated. Earlier tokens stay valid. A new one:\n\n${await issuer.token()}\n\n`);
  };
  try {
    if (cli.hasKeyboard) cli.write('r rotates the keys, o begins and ends an outage, q quits.\n');
    await cli.untilQuit(onKey);
    return 0;
  } finally {
    await issuer.stop();
  }
}

async function introduce(issuer: LocalIssuer, { claims, keysFile }: LocalIssuerParts): Promise<string> {
  const { url } = issuer;
  return `Issuer  ${url}
Page    ${url}/
Keys    ${keysFile ?? 'new at each start; --keys keeps them'}

In the app:

  AuthModule.forRoot({ issuers: oidc({ issuer: ${JSON.stringify(url)}, audience: ${JSON.stringify(claims['aud'])} }) })

A token for eight hours:

  curl -H "Authorization: Bearer ${await issuer.token()}" http://localhost:3000/

It signs any token: never let an app trust it that others can reach.
`;
}
