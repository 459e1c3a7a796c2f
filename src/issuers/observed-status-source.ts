import type { TokenStatusSource } from '../token/trusted-issuer.js';
import type { AuthContext } from '../upstream/auth-context.js';
import { ProviderCalls } from '../upstream/provider-calls.js';

/**
 * Adds to a way of asking about tokens that failures become faults (503) and that outages are reported.
 *
 * @param issuer names it in the log.
 */
export function observedStatusSource(
  { clock, report }: AuthContext,
  issuer: string,
  source: TokenStatusSource,
): TokenStatusSource {
  const calls = new ProviderCalls({
    what: `an answer about tokens from ${issuer}`,
    consequence: 'Tokens that it has to be asked about are answered with 503 until it answers',
    clock,
    report,
  });
  return {
    acceptsOpaqueTokens: source.acceptsOpaqueTokens,
    ask: (token, claims, about) => calls.run(() => source.ask(token, claims, about)),
  };
}

/** Whose calls a 429 pauses: those about one known token, or those about all unknown tokens. */
export function callerOf(token: string, { isKnown }: { readonly isKnown: boolean } = { isKnown: false }): string {
  return isKnown ? `the token ${token}` : 'unknown tokens';
}
