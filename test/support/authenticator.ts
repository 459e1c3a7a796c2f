import { TOTP, URI } from 'otpauth';
import type { ManualClock } from './manual-clock.js';

/** An authenticator app on the phone of a person, who has scanned the QR code. */
export class Authenticator {
  private readonly totp: TOTP;

  constructor(
    readonly uri: string,
    private readonly clock: ManualClock,
  ) {
    const parsed = URI.parse(uri);
    if (!(parsed instanceof TOTP)) throw new Error('The URI is not one of TOTP');
    this.totp = parsed;
  }

  /** What the app shows under the code. */
  get label(): string {
    return `${this.totp.issuer}: ${this.totp.label}`;
  }

  /** The code that the app shows, or showed or will show so many steps of 30 seconds away. */
  code(steps = 0): string {
    return this.totp.generate({ timestamp: this.clock.now().getTime() + steps * 30_000 });
  }

  /** A code that is none of the five around the present. */
  wrongCode(): string {
    const near = [-2, -1, 0, 1, 2].map((steps) => this.code(steps));
    for (let number = 0; ; number += 1) {
      const code = String(number).padStart(6, '0');
      if (!near.includes(code)) return code;
    }
  }
}
