import { ApiKeyFormat } from '../api-keys/api-key-format.js';
import { RefusalError } from '../errors/auth-error.js';
import { logText } from '../telemetry/log-text.js';
import { isRefusal } from '../errors/auth-error.js';
import { parseToken } from '../token/parse-token.js';
import { explainChallenge, isChallenge } from './explain-challenge.js';
import { type ExplainedParts, type ExplainOptions, explainToken } from './explain-jwt.js';
import { explainProof } from './explain-proof.js';
import { CheckList, type CheckPlan, type Explanation } from './explanation.js';

/** API keys of the app, of which the text of one begins with one of the prefixes. */
export interface InspectedKeys {
  readonly prefixes: readonly string[];
  /** `null` where nothing can be asked without using the key. @throws {RefusalError} or {AuthUnavailableError} as a request with the key. */
  readonly inspect: ((text: string) => Promise<void>) | null;
}

export interface TokenExplainerParts extends ExplainedParts {
  readonly keys: readonly InspectedKeys[];
  /** How far the time of a DPoP proof may be from now. */
  readonly proofWindowSeconds: number;
  /** The outside address of the app; `null` where it is not known. */
  readonly publicUrl: string | null;
}

// Registered, so that the command finds the explainer of an app that has loaded another copy of the package.
const brand = Symbol.for('nest-gatehouse.token-explainer');
/** The longest text that is looked at, in characters. */
const longest = 64 * 1024;
const keyShape = /^([a-z][a-z0-9]{1,15}(?:_live|_test)?)_([0-9A-Za-z]{22})_[0-9A-Za-z]{49}$/;

/**
 * Explains why a credential is accepted or refused, check by check, with the functions that verify it. For a page of your developers,
 * a test or a command; `npx nest-gatehouse explain` is built on it. It writes nothing, and guards do not use it.
 */
export class TokenExplainer {
  constructor(private readonly parts: TokenExplainerParts) {
    Object.defineProperty(this, brand, { value: true });
  }

  /**
   * Explains an access token, an API key, a DPoP proof or a value of `WWW-Authenticate`. The result never has the text itself, a
   * signature or a secret.
   *
   * The keys of the issuer are fetched where they are not in memory, and the issuer is asked where the app asks it. A service that does
   * not answer makes a check `not_checked`, never `failed`.
   *
   * @param text as it was sent, with or without `Bearer` before it
   * @param options whether the result has the claims, and which scopes the route requires
   */
  async explain(text: string, options: ExplainOptions = {}): Promise<Explanation> {
    const given = text.trim();
    if (given.length > longest) return tooLong(given.length);
    if (isChallenge(given)) return explainChallenge(given);
    const credential = withoutHeader(given);
    if (isProof(credential)) {
      return explainProof(credential, this.parts, options.claims === true);
    }
    const keys = this.parts.keys.find(({ prefixes }) => prefixes.some((each) => credential.startsWith(each)));
    if (keys !== undefined) return explainOwnKey(credential, keys.inspect);
    if (keyShape.test(credential)) return explainForeignKey(credential);
    return explainToken(credential, this.parts, options);
  }
}

/** The explainer among instances of an app, which may come from another copy of the package; `null` where there is none. */
export function findExplainer(instances: readonly unknown[]): TokenExplainer | null {
  const isExplainer = (value: unknown): value is TokenExplainer =>
    typeof value === 'object' && value !== null && brand in value;
  return instances.find(isExplainer) ?? null;
}

/** Whether a text can only be explained for an issuer or an app: any but proofs, challenges and keys of this package. */
export function needsIssuer(text: string): boolean {
  const credential = withoutHeader(text.trim());
  if (credential.length > longest) return false;
  return !isChallenge(text.trim()) && !isProof(credential) && !keyShape.test(credential);
}

function withoutHeader(text: string): string {
  return text.replace(/^(?:authorization:\s*)?(?:(?:bearer|dpop)\s+)?/i, '').replace(/^dpop:\s*/i, '');
}

/** A text that cannot be read as a proof is explained as an access token. */
function isProof(text: string): boolean {
  try {
    return parseToken(text).header.typ === 'dpop+jwt';
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

const keyPlan: CheckPlan = {
  id: 'form',
  title: 'API key: form and checksum',
  expected: 'prefix, id and secret of the length that this package writes',
  fix: 'Send the key whole, as it was shown when it was created',
  reason: 'key',
};

/** Form and state are one question: a text of a wrong form costs no reading. */
async function explainOwnKey(text: string, inspect: InspectedKeys['inspect']): Promise<Explanation> {
  const list = new CheckList();
  const known = keyShape.exec(text);
  const found = known === null ? 'another form' : `id ${logText(`${known[1] ?? ''}_${known[2] ?? ''}`)}`;
  const title = 'API key: form, checksum, secret and state';
  const fix = 'Send the key whole. If it was revoked or has expired, create another one';
  const plan: CheckPlan = { ...keyPlan, id: 'key', title, found, fix, option: 'ApiKeysModule.forRoot({ prefix })' };
  if (inspect === null) list.leave(plan, 'Only a request with the key shows whether it is accepted', true);
  else await list.make(plan, () => inspect(text));
  return list.toExplanation('api-key');
}

/** Without the app that has issued it, only the form can be checked. */
async function explainForeignKey(text: string): Promise<Explanation> {
  const list = new CheckList();
  const [, prefix = '', id = ''] = keyShape.exec(text) ?? [];
  const found = `id ${logText(`${prefix}_${id}`)}`;
  await list.make({ ...keyPlan, found }, () => {
    if (new ApiKeyFormat(prefix).parse(text) !== null) return;
    throw RefusalError.apiKey('key', 'It is no key of this app: its form or its checksum is wrong');
  });
  const cause = 'The app that has issued it is not known, or accepts no keys with this prefix';
  list.leave({ ...keyPlan, id: 'status', title: 'API key: secret and state', found }, cause, true);
  return list.toExplanation('api-key');
}

function tooLong(length: number): Explanation {
  const list = new CheckList();
  const explanation = `It has ${String(length)} characters; the limit is ${String(longest)}`;
  list.fail(
    { id: 'form', title: 'Form', fix: 'Give one token alone', reason: 'malformed' },
    { code: 'INVALID_TOKEN', reason: 'malformed', explanation },
  );
  return list.toExplanation('jwt');
}
