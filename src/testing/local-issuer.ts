import { ClaimsPage } from './claims-page.js';
import type { IssuerDocument } from './issuer-server.js';
import { readKeptKeys, writeKeptKeys } from './kept-keys.js';
import { publishedKeysOf, TestIssuer } from './test-issuer.js';
import type { Duration, LocalIssuerOptions, TestClaims } from './test-issuer-options.js';

export interface LocalIssuerParts {
  readonly port: number;
  /** The claims of the tokens where nobody picks others. */
  readonly claims: TestClaims;
  /** Keeps the keys; `null` makes new ones at each start. */
  readonly keysFile: string | null;
}

/** Long enough for a day of work. */
const usualLifetime: Duration = '8h';

/** A test issuer for the machine of a developer: with a page, and with keys that may survive a restart. */
export class LocalIssuer {
  private isFailing = false;

  private constructor(
    private readonly issuer: TestIssuer,
    private readonly parts: LocalIssuerParts,
  ) {}

  /** @throws {KeptKeysError} when the file of the keys cannot be used. Rejects when the port is in use. */
  static async start(parts: LocalIssuerParts): Promise<LocalIssuer> {
    const { port, claims, keysFile } = parts;
    const kept = keysFile === null ? null : await readKeptKeys(keysFile);
    let page: ClaimsPage | null = null;
    const findPage = (path: string): IssuerDocument | undefined =>
      path === '/' && page !== null ? { kind: 'page', methods: ['GET', 'POST'], reply: page.reply } : undefined;
    const options: LocalIssuerOptions = { port, findPage, ...(kept !== null && { keys: kept }) };
    const issuer = await TestIssuer.start(options);
    const local = new LocalIssuer(issuer, parts);
    page = new ClaimsPage({ url: issuer.url, claims, sign: local.sign });
    if (kept === null) await local.keepKeys();
    return local;
  }

  get url(): string {
    return this.issuer.url;
  }

  token(): Promise<string> {
    return this.sign(this.parts.claims, usualLifetime);
  }

  /** Signs with a new key. Earlier tokens stay valid. */
  async rotate(): Promise<void> {
    await this.issuer.rotateKeys({ keepOld: true });
    await this.keepKeys();
  }

  /** Answers 503, or as usual again. @returns whether it answers 503 now */
  toggleOutage(): boolean {
    this.isFailing = !this.isFailing;
    if (this.isFailing) this.issuer.fail('503');
    else this.issuer.recover();
    return this.isFailing;
  }

  async stop(): Promise<void> {
    await this.issuer.stop();
  }

  private readonly sign = (claims: TestClaims, expiresIn: Duration): Promise<string> => {
    const { sub } = claims;
    if (typeof sub === 'string') this.issuer.setUserInfo(sub, claims);
    return this.issuer.token(claims, { expiresIn });
  };

  private async keepKeys(): Promise<void> {
    const { keysFile } = this.parts;
    if (keysFile !== null) await writeKeptKeys(keysFile, publishedKeysOf(this.issuer));
  }
}
