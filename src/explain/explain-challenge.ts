import type { AuthErrorCode, RefusalReason } from '../errors/auth-error.js';
import { bindingSentence, sentences, tokenSentences } from '../errors/refusal-sentences.js';
import { logText } from '../telemetry/log-text.js';
import { CheckList, type CheckPlan, type Explanation } from './explanation.js';

/** RFC 6750 §3.1, RFC 9449 §7.1 and §8, RFC 9470 §3. */
const codes: Readonly<Record<string, AuthErrorCode>> = {
  invalid_request: 'INVALID_REQUEST',
  invalid_token: 'INVALID_TOKEN',
  invalid_dpop_proof: 'INVALID_TOKEN',
  insufficient_scope: 'INSUFFICIENT_SCOPE',
  insufficient_user_authentication: 'STEP_UP_REQUIRED',
  use_dpop_nonce: 'USE_DPOP_NONCE',
};

const prefix = /^(?:www-authenticate:\s*)?(?=(?:bearer|dpop|basic)(?:\s*$|\s*,|\s+\w+\s*=\s*"))/i;

/** Whether a text is a value of `WWW-Authenticate`, with or without the name of the header. */
export function isChallenge(text: string): boolean {
  return prefix.test(text);
}

/** Says what the challenge of an answer means. */
export function explainChallenge(text: string): Explanation {
  const list = new CheckList();
  const parameters = readParameters(text.replace(prefix, ''));
  const { error } = parameters;
  const code = error === undefined ? 'MISSING_TOKEN' : (codes[error] ?? null);
  if (code === null) {
    list.leave(
      { ...plan, found: `error ${logText(error)}` },
      'It is no error of this package: another server may have answered',
    );
    return list.toExplanation('challenge');
  }
  const reason = code === 'INVALID_TOKEN' ? reasonOf(error, parameters['error_description']) : null;
  const { found, fix } = describe(code, parameters);
  list.fail({ ...plan, found, fix }, { code, reason, explanation: sentenceOf(code, reason) });
  return list.toExplanation('challenge');
}

const plan: CheckPlan = {
  id: 'error',
  title: 'Challenge',
  fix: 'Search the log for the line of this request: it has the values',
  reason: 'claim',
};

function describe(code: AuthErrorCode, parameters: Readonly<Record<string, string>>): { found: string; fix: string } {
  const { scope, error } = parameters;
  if (code === 'MISSING_TOKEN') {
    return { found: 'no error: the request had no credential', fix: 'Send the token as "Authorization: Bearer …"' };
  }
  if (code === 'INSUFFICIENT_SCOPE' && scope !== undefined) {
    return { found: `scope ${logText(scope)} is required`, fix: 'Ask the issuer for these scopes' };
  }
  return { found: `error ${logText(error)}`, fix: plan.fix };
}

function readParameters(challenge: string): Readonly<Record<string, string>> {
  const found = [...challenge.matchAll(/(\w+)\s*=\s*"([^"]*)"/g)];
  return Object.fromEntries(found.map(([, name = '', value = '']) => [name.toLowerCase(), value]));
}

/** The descriptions of this package are fixed, so they tell the reason. */
function reasonOf(error: string | undefined, description: string | undefined): RefusalReason | null {
  if (error === 'invalid_dpop_proof' || description === bindingSentence) return 'proof';
  const known = Object.entries(tokenSentences).find(([, sentence]) => sentence === description);
  return known === undefined ? null : (known[0] as RefusalReason);
}

function sentenceOf(code: AuthErrorCode, reason: RefusalReason | null): string {
  if (reason !== null) return tokenSentences[reason];
  return code in sentences ? sentences[code as keyof typeof sentences] : 'The access token is not accepted';
}
