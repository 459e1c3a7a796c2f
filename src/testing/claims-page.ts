import type { IssuerReply, IssuerRequest } from './issuer-server.js';
import type { Duration, TestClaims } from './test-issuer-options.js';

export interface ClaimsPageParts {
  readonly url: string;
  readonly claims: TestClaims;
  readonly sign: (claims: TestClaims, expiresIn: Duration) => Promise<string>;
}

const lifetimes: readonly Duration[] = ['8h', '5m', '10s', '-1h'];

const headers = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
};

/** The page of a local issuer: claims go in, a token comes out. It serves this machine alone. */
export class ClaimsPage {
  constructor(private readonly parts: ClaimsPageParts) {}

  readonly reply = async (request: IssuerRequest): Promise<IssuerReply> => {
    if (!this.isOwn(request)) return { status: 403, body: { error: 'another_site' } };
    const { claims } = this.parts;
    if (request.method !== 'POST') return this.show(JSON.stringify(claims, null, 2), '8h', '');
    const text = request.form.get('claims') ?? '';
    const expiresIn = lifetimes.find((each) => each === request.form.get('expiresIn')) ?? '8h';
    const given = parseClaims(text);
    if (given === null) return this.show(text, expiresIn, '<p role="alert">The claims are no JSON object.</p>', 400);
    return this.show(text, expiresIn, describeToken(await this.parts.sign(given, expiresIn)));
  };

  /** A page of another site may post here, or give its own name the address of this machine. */
  private isOwn({ headers: { host = '', origin } }: IssuerRequest): boolean {
    const own = new URL(this.parts.url).port;
    const origins = [`http://127.0.0.1:${own}`, `http://localhost:${own}`];
    return origins.includes(`http://${host}`) && (origin === undefined || origins.includes(origin));
  }

  private show(claims: string, lifetime: Duration, result: string, status = 200): IssuerReply {
    const choices = lifetimes.map(
      (each) => `<option value="${String(each)}"${each === lifetime ? ' selected' : ''}>${String(each)}</option>`,
    );
    const body = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Local issuer</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
  textarea { width: 100%; box-sizing: border-box; font: 14px/1.5 ui-monospace, monospace; }
  button, select { font: inherit; padding: .25rem .75rem; }
  label { display: block; margin-top: 1rem; }
</style>
<h1>Local issuer</h1>
<p><code>${escapeHtml(this.parts.url)}</code></p>
<form method="post" action="/">
  <label for="claims">Claims</label>
  <textarea id="claims" name="claims" rows="12" spellcheck="false">${escapeHtml(claims)}</textarea>
  <label for="expiresIn">Expires in</label>
  <select id="expiresIn" name="expiresIn">${choices.join('')}</select>
  <button>Sign</button>
</form>
${result}
</html>
`;
    return { status, body, headers };
  }
}

function describeToken(token: string): string {
  return `<label for="token">Token</label>
<textarea id="token" rows="8" readonly>${escapeHtml(token)}</textarea>`;
}

/** The claims of a text; `null` for one that is no JSON object. */
function parseClaims(text: string): TestClaims | null {
  try {
    const claims: unknown = JSON.parse(text);
    return typeof claims === 'object' && claims !== null && !Array.isArray(claims) ? (claims as TestClaims) : null;
  } catch {
    return null;
  }
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => entities[character] ?? '');
}
