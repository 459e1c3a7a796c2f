import { DoctorCheck, type DoctorContext, type DoctorFinding, ok, problem, skipped } from '../doctor/doctor-check.js';
import type { ExplainedCheck, Explanation } from './explanation.js';
import type { TokenExplainer } from './token-explainer.js';

/** Whether the app accepts a sample token or key. It is explained by what `npx nest-gatehouse explain` uses. */
export class TokenDoctorCheck extends DoctorCheck {
  constructor(
    private readonly explainer: TokenExplainer,
    /** The name of the app as an issuer; `null` where it issues no tokens. Fetching its own keys would create them. */
    private readonly ownIssuer: string | null,
  ) {
    super();
  }

  override async run({ token, offline }: DoctorContext): Promise<readonly DoctorFinding[]> {
    if (token === null) return [skipped('token', 'no sample token was given: --token - reads one from standard input')];
    if (offline) return [skipped('token', 'the doctor runs --offline')];
    if (this.ownIssuer !== null && issuerIn(token) === this.ownIssuer) {
      return [skipped('token', 'it is a token of the app itself, whose keys are not opened here')];
    }
    return [toFinding(await this.explainer.explain(token))];
  }
}

const kinds: Readonly<Record<Explanation['kind'], string>> = {
  jwt: 'the sample token',
  'opaque-token': 'the sample token',
  'api-key': 'the sample key',
  'dpop-proof': 'the text is a DPoP proof, which',
  challenge: 'the text is a challenge, which',
};

function toFinding(explanation: Explanation): DoctorFinding {
  const { kind, outcome, firstFailure } = explanation;
  const what = kinds[kind];
  if (kind === 'dpop-proof' || kind === 'challenge') {
    return skipped('token', `${what} npx nest-gatehouse explain takes`);
  }
  if (firstFailure !== null) return refused(what, firstFailure, explanation);
  return outcome === 'undecided' ? undecided(what, explanation) : accepted(what, explanation);
}

function refused(what: string, failure: ExplainedCheck, { code, reason }: Explanation): DoctorFinding {
  const { explanation, expected, option, fix, docs } = failure;
  const finding = problem('fail', 'token', {
    found: `${what} is refused (${reason ?? code ?? ''}): ${explanation ?? ''}`,
    expected: expected ?? 'an access token that the app accepts',
    fix: `${fix ?? ''}${option === null ? '' : `. The option is ${option}`}`,
  });
  return { ...finding, docs };
}

function undecided(what: string, { checks }: Explanation): DoctorFinding {
  const missing = checks.find(({ status, explanation }) => status === 'not_checked' && explanation !== null);
  return problem('fail', 'token', {
    found: `${what} could not be checked: ${missing?.explanation ?? ''}`,
    expected: 'an answer',
    fix: 'See the other findings about what did not answer',
  });
}

function accepted(what: string, { checks }: Explanation): DoctorFinding {
  const times = checks.find(({ id }) => id === 'time')?.found ?? null;
  const bound = checks.find(({ id, status }) => id === 'binding' && status === 'not_checked');
  const needs = bound === undefined ? '' : `. ${bound.explanation ?? ''}`;
  return ok('token', `${what} is accepted${times === null ? '' : ` (${times})`}${needs}`);
}

/** The `iss` that a token states, unverified: it only decides whether the token is looked at. */
function issuerIn(token: string): unknown {
  try {
    const [, payload = ''] = token.split('.');
    return (JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')) as { readonly iss?: unknown }).iss;
  } catch {
    return undefined;
  }
}
