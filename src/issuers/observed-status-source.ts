import { AuthUnavailableError } from '../errors/auth-error.js';
import { OutageWatch } from '../profiles/outage-watch.js';
import type { TokenStatusSource } from '../token/trusted-issuer.js';
import { UpstreamFailure } from '../upstream/upstream-failure.js';
import type { AuthContext } from './identity-provider.js';

/** Where anonymousCaller says when to come again. */
const usualRetryAfterSeconds = 5;

/**
 * An statusSource whose failures are faults, and are reported: an outage of whoever is asked, and what the operator of
 * the app has to fix.
 *
 * @param issuer names it in the log.
 */
export function observedStatusSource(
  { clock, report }: AuthContext,
  issuer: string,
  statusSource: TokenStatusSource,
): TokenStatusSource {
  const what = `an answer about tokens from ${issuer}`;
  const consequence = 'Until it answers, tokens that it has to be asked about are answered with 503';
  const watch = new OutageWatch({ what, consequence, clock, report });
  return {
    acceptsOpaqueTokens: statusSource.acceptsOpaqueTokens,
    ask: async (token, claims) => {
      try {
        const introspected = await statusSource.ask(token, claims);
        watch.noteSuccess();
        return introspected;
      } catch (error) {
        const known = toFault(error, what);
        if (known instanceof AuthUnavailableError) watch.noteFailure(problemOf(error, known));
        throw known;
      }
    },
  };
}

function toFault(error: unknown, what: string): unknown {
  if (!(error instanceof UpstreamFailure)) return error;
  const seconds = error.retryAfterSeconds ?? usualRetryAfterSeconds;
  return new AuthUnavailableError(`Cannot get ${what}: ${error.message}`, seconds, { cause: error });
}

function problemOf(error: unknown, fault: AuthUnavailableError): string {
  return error instanceof UpstreamFailure ? error.message : fault.explanation;
}
