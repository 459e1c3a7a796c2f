import { RefusalError } from '../errors/auth-error.js';
import { logText } from '../telemetry/log-text.js';
import type { JsonObject } from '../token/json-object.js';
import type { AuthUser } from '../user/auth-user.js';
import type { DpopMode } from './dpop-options.js';

/** What the claim `cnf` (RFC 7800) says about who may use a token. */
export type Confirmation =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'bound';
      /** The client has the key with this thumbprint (RFC 9449 §6.1); `null` where the token is bound to no key. */
      readonly jkt: string | null;
      /** The client has the certificate with this thumbprint (RFC 8705 §3.1); `null` where the token is bound to none. */
      readonly certificate: string | null;
    }
  /** Something that is not known here, alone or in addition: all of it would have to hold. */
  | { readonly kind: 'unknown'; readonly described: string };

export function readConfirmation(claims: JsonObject): Confirmation {
  if (!Object.hasOwn(claims, 'cnf')) return { kind: 'none' };
  const { cnf } = claims;
  const members = typeof cnf === 'object' && cnf !== null && !Array.isArray(cnf) ? Object.entries(cnf) : [];
  const isKnown = ([name, value]: [string, unknown]) => ['jkt', 'x5t#S256'].includes(name) && typeof value === 'string';
  if (members.length === 0 || !members.every(isKnown)) {
    return { kind: 'unknown', described: logText(members.map(([each]) => each)) };
  }
  const { jkt = null, 'x5t#S256': certificate = null } = cnf as Readonly<Record<string, string>>;
  return { kind: 'bound', jkt, certificate };
}

const fixes: Readonly<Record<DpopMode, string>> = {
  off: "AuthModule.forRoot({ dpop: 'accept' }) accepts such tokens with their proof",
  accept: 'The client has to send it as "Authorization: DPoP", with a proof',
  require: 'The client has to send it as "Authorization: DPoP", with a proof',
};

/**
 * Makes the check of tokens that came without a proof. A token that is bound to a key never passes without it, whatever the mode is.
 *
 * @returns a function that gives the thumbprint of the client certificate that the request has to come with, `null` for none, and throws
 * a `RefusalError` with reason `proof`
 */
export function createBindingCheck(mode: DpopMode): (user: AuthUser) => string | null {
  return (user) => {
    const confirmation = readConfirmation(user.claims);
    if (confirmation.kind === 'unknown') throw RefusalError.binding(describeUnknown(confirmation.described));
    if (confirmation.kind === 'bound' && confirmation.jkt !== null) {
      throw RefusalError.binding(
        `The token is bound to a key (cnf.jkt), and came without a proof of it. ${fixes[mode]}`,
      );
    }
    if (mode === 'require' && !isOfOwnSession(user)) throw RefusalError.binding(unbound);
    return confirmation.kind === 'bound' ? confirmation.certificate : null;
  };
}

const unbound = "The token is bound to no key (no cnf.jkt), and AuthModule.forRoot({ dpop: 'require' }) demands that";

/** For the log: what neither a proof nor a certificate satisfies. */
export function describeUnknown(described: string): string {
  return `The token is bound by something that is not checked here: the members of its "cnf" are ${described}`;
}

/** The tokens of the app's own sessions are for its pages, by cookie or by Bearer. */
function isOfOwnSession({ provider, sessionId }: AuthUser): boolean {
  return provider === 'own' && sessionId !== null;
}
