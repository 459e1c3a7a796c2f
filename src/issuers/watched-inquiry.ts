import { FaultError } from '../errors/fault-error.js';
import { OutageWatch } from '../profiles/outage-watch.js';
import type { TokenInquiry } from '../token/token-inquiry.js';
import { UpstreamFailure } from '../upstream/upstream-failure.js';
import type { Ground } from './identity-provider.js';

/** Where nobody says when to come again. */
const usualRetryAfterSeconds = 5;

/**
 * An inquiry whose failures are faults, and are reported: an outage of whoever is asked, and what the operator of
 * the app has to mend.
 *
 * @param issuer names it in the log.
 */
export function watchedInquiry({ clock, report }: Ground, issuer: string, inquiry: TokenInquiry): TokenInquiry {
  const what = `an answer about tokens from ${issuer}`;
  const consequence = 'Until it answers, tokens that it has to be asked about are answered with 503';
  const watch = new OutageWatch({ what, consequence, clock, report });
  return {
    judgesOpaqueTokens: inquiry.judgesOpaqueTokens,
    ask: async (token, claims) => {
      try {
        const vouched = await inquiry.ask(token, claims);
        watch.noteSuccess();
        return vouched;
      } catch (error) {
        const known = toFault(error, what);
        if (known instanceof FaultError) watch.noteFailure(problemOf(error, known));
        throw known;
      }
    },
  };
}

function toFault(error: unknown, what: string): unknown {
  if (!(error instanceof UpstreamFailure)) return error;
  const seconds = error.retryAfterSeconds ?? usualRetryAfterSeconds;
  return new FaultError(`Cannot get ${what}: ${error.message}`, seconds, { cause: error });
}

function problemOf(error: unknown, fault: FaultError): string {
  return error instanceof UpstreamFailure ? error.message : fault.explanation;
}
