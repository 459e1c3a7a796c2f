import { RefusalError } from '../errors/auth-error.js';
import { logText } from '../telemetry/log-text.js';
import type { JsonObject } from '../token/json-object.js';
import type { AuthUser } from '../user/auth-user.js';
import type { DpopMode } from './dpop-options.js';

/** What the claim `cnf` (RFC 7800) says about who may use a token. */
export type Confirmation =
  | { readonly kind: 'none' }
  /** The client that has the key with this thumbprint (RFC 9449 §6.1). */
  | { readonly kind: 'key'; readonly jkt: string }
  /** Something that is not known here, alone or in addition: all of it would have to hold. */
  | { readonly kind: 'unknown'; readonly described: string };

export function readConfirmation(claims: JsonObject): Confirmation {
  if (!Object.hasOwn(claims, 'cnf')) return { kind: 'none' };
  const { cnf } = claims;
  const members = typeof cnf === 'object' && cnf !== null && !Array.isArray(cnf) ? Object.entries(cnf) : [];
  const [[name, jkt] = [], ...others] = members as [string, unknown][];
  if (name === 'jkt' && typeof jkt === 'string' && others.length === 0) return { kind: 'key', jkt };
  return { kind: 'unknown', described: logText(members.map(([each]) => each)) };
}

const fixes: Readonly<Record<DpopMode, string>> = {
  off: "AuthModule.forRoot({ dpop: 'accept' }) accepts such tokens with their proof",
  accept: 'The client has to send it as "Authorization: DPoP", with a proof',
  require: 'The client has to send it as "Authorization: DPoP", with a proof',
};

/**
 * Makes the check of tokens that came without a proof. A bound token never passes without it, whatever the mode is.
 *
 * @returns a function that throws a `RefusalError` with reason `proof`
 */
export function createBindingCheck(mode: DpopMode): (user: AuthUser) => void {
  return (user) => {
    const confirmation = readConfirmation(user.claims);
    if (confirmation.kind === 'none') {
      if (mode === 'require' && !isOfOwnSession(user)) throw RefusalError.binding(unbound);
      return;
    }
    throw RefusalError.binding(
      confirmation.kind === 'key'
        ? `The token is bound to a key (cnf.jkt), and came without a proof of it. ${fixes[mode]}`
        : describeUnknown(confirmation.described),
    );
  };
}

const unbound = "The token is bound to no key (no cnf.jkt), and AuthModule.forRoot({ dpop: 'require' }) demands that";

/** For the log: what a proof by DPoP does not satisfy. */
export function describeUnknown(described: string): string {
  return `The token is bound by something that is not checked here: the members of its "cnf" are ${described}`;
}

/** The tokens of the app's own sessions are for its pages, by cookie or by Bearer. */
function isOfOwnSession({ provider, sessionId }: AuthUser): boolean {
  return provider === 'own' && sessionId !== null;
}
