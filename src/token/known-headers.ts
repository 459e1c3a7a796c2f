import { toDetachedString } from './detached-string.js';
import type { TokenHeader } from './token-header.js';

/** An issuer signs all its tokens under a few headers, one for each key and type. */
const most = 64;

/** Headers that verified tokens have come with, by their encoded text: what was parsed and checked once. */
export class KnownHeaders {
  private readonly headers = new Map<string, TokenHeader>();
  private lastEncoded = '';
  private last: TokenHeader | undefined;

  /** Mostly it is the header that the token before had: to compare the two is cheaper than to look it up. */
  find(encoded: string): TokenHeader | undefined {
    return encoded === this.lastEncoded ? this.last : this.headers.get(encoded);
  }

  /** Only headers of tokens that have passed come in here, so that strangers cannot crowd out the known. */
  add(encoded: string, header: TokenHeader): void {
    if (encoded === this.lastEncoded) return;
    const own = toDetachedString(encoded);
    this.lastEncoded = own;
    this.last = header;
    if (this.headers.size >= most && !this.headers.has(own)) this.headers.clear();
    this.headers.set(own, header);
  }
}
