import type { TokenHeader } from './token-header.js';

/** An issuer signs all its tokens under a few headers, one for each key and type. */
const most = 64;

/** Headers that verified tokens have come with, by their encoded text: what was parsed and checked once. */
export class KnownHeaders {
  private readonly headers = new Map<string, TokenHeader>();

  find(encoded: string): TokenHeader | undefined {
    return this.headers.get(encoded);
  }

  /** Only headers of tokens that have passed come in here, so that strangers cannot crowd out the known. */
  add(encoded: string, header: TokenHeader): void {
    if (this.headers.size >= most && !this.headers.has(encoded)) this.headers.clear();
    this.headers.set(encoded, header);
  }
}
