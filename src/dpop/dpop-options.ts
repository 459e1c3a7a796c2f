import { path, readChoice, readNumber, readOptions, readSwitch } from '../configuration/read-options.js';
import { ConfigurationError } from '../errors/auth-error.js';

/** Whether access tokens that are bound to a key of their client are accepted, or are the only ones. */
export type DpopMode = 'off' | 'accept' | 'require';

/** What `AuthModule.forRoot({ dpop })` takes in addition to a mode. */
export interface DpopOptions {
  /**
   * `'accept'`: bound tokens pass with their proof, all others as before. `'require'`: access tokens have to be bound. API keys, and the
   * tokens of the app's own sessions, which browsers keep in cookies, are not concerned. `'off'`: bound tokens are refused.
   */
  readonly mode: DpopMode;
  /**
   * Whether a proof has to contain a nonce of the server (RFC 9449 §8 and §9), which proves that it was made a moment ago, whatever
   * the clock of the client says. Costs a client one more request at its start.
   *
   * @defaultValue false
   */
  readonly nonce?: boolean;
  /**
   * What nonces are made from, the same in all instances: 32 bytes in base64 or base64url.
   *
   * @defaultValue random bytes, made when the app starts: for an app of one process. Another process does not accept its nonces, so that
   * clients of several instances are asked for another one again and again; with `NODE_ENV=production` a warning is logged at the start
   */
  readonly nonceSecret?: string;
  /**
   * How far the `iat` of a proof may be from the time of the server, in seconds, before or after it; 10 to 3600. With `nonce`: how old
   * the nonce may be, with half as much on top.
   *
   * @defaultValue 300; 120 with `nonce`
   */
  readonly windowSeconds?: number;
}

/** The option with everything filled in and checked. */
export interface DpopTerms {
  readonly mode: DpopMode;
  readonly windowSeconds: number;
  /** `null` where proofs have no nonce of the server; `secret` is `null` where the process makes its own. */
  readonly nonces: { readonly secret: Buffer | null } | null;
}

const modes = ['off', 'accept', 'require'] as const;
const usualWindowSeconds = 300;
const usualNonceSeconds = 120;
const secretFix = 'Make one with: openssl rand -base64 32';

/** @throws {ConfigurationError} for the first option that is wrong */
export function readDpopOptions(where: string, given: unknown): DpopTerms {
  if (given === undefined || typeof given === 'string') {
    const mode = readChoice(where.replace(/\(\{ dpop \}\)$/, ''), { dpop: given }, 'dpop', modes, 'off');
    return Object.freeze({ mode, windowSeconds: usualWindowSeconds, nonces: null });
  }
  const options = readOptions(where, given, ['mode', 'nonce', 'nonceSecret', 'windowSeconds']);
  if (options['mode'] === undefined) {
    throw new ConfigurationError(path(where, 'mode'), 'it is missing', "Write 'accept' or 'require'");
  }
  const hasNonces = readSwitch(where, options, 'nonce', false);
  const secret = readSecret(path(where, 'nonceSecret'), options['nonceSecret'], hasNonces);
  const windowSeconds = readNumber(where, options, 'windowSeconds', { least: 10, most: 3_600 });
  return Object.freeze({
    mode: readChoice(where, options, 'mode', modes, 'off'),
    windowSeconds: windowSeconds ?? (hasNonces ? usualNonceSeconds : usualWindowSeconds),
    nonces: hasNonces ? Object.freeze({ secret }) : null,
  });
}

/** What is wrong with nonces where an app may run in several processes, and what to write; `null` for nothing. */
export function findNonceProblem(where: string, { mode, nonces }: DpopTerms): string | null {
  if (mode === 'off' || nonces === null || nonces.secret !== null) return null;
  const problem = 'it is missing, so that only this process accepts its nonces';
  const consequence = 'Behind several instances, clients are asked for another nonce again and again (use_dpop_nonce)';
  return `${path(where, 'nonceSecret')}: ${problem}. ${consequence}. ${secretFix}, the same for all instances`;
}

function readSecret(where: string, given: unknown, hasNonces: boolean): Buffer | null {
  if (given === undefined) return null;
  if (!hasNonces)
    throw new ConfigurationError(where, 'there are no nonces to make from it', 'Write nonce: true as well');
  const bytes = typeof given === 'string' && /^[\w+/-]+=*$/.test(given) ? Buffer.from(given, 'base64') : null;
  if (bytes !== null && bytes.length >= 32) return bytes;
  throw new ConfigurationError(where, 'at least 32 bytes in base64 are expected', secretFix);
}
