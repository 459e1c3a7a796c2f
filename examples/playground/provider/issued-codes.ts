import { createHash, randomBytes } from 'node:crypto';

const lifetimeMs = 600_000;

interface IssuedCode<Person> {
  readonly person: Person;
  readonly query: URLSearchParams;
  readonly expiresAt: number;
}

/** The authorization codes of a stand-in: each is good for ten minutes and one use (RFC 6749 §4.1.2). */
export class IssuedCodes<Person> {
  private readonly codes = new Map<string, IssuedCode<Person>>();

  /** @param query the parameters of the authorization request */
  issue(person: Person, query: URLSearchParams): string {
    const code = randomBytes(16).toString('hex');
    this.codes.set(code, { person, query, expiresAt: Date.now() + lifetimeMs });
    return code;
  }

  /** @returns whose code it is, and the request that it was issued for; `undefined` for a code that is not good */
  redeem(form: URLSearchParams): Pick<IssuedCode<Person>, 'person' | 'query'> | undefined {
    const code = form.get('code') ?? '';
    const issued = this.codes.get(code);
    this.codes.delete(code);
    if (issued === undefined || issued.expiresAt < Date.now()) return undefined;
    const isSame = ['client_id', 'redirect_uri'].every((name) => form.get(name) === issued.query.get(name));
    return isSame && isVerifierOf(issued.query.get('code_challenge'), form.get('code_verifier')) ? issued : undefined;
  }
}

/** RFC 7636 §4.6, with S256. */
function isVerifierOf(challenge: string | null, verifier: string | null): boolean {
  if (challenge === null) return true;
  return (
    createHash('sha256')
      .update(verifier ?? '')
      .digest('base64url') === challenge
  );
}
