import { type BodyRule, Optional, OptionalSwitch, Required } from '../issuing/body-class.js';

/** Longer ones are not sent to Stack Auth. */
const longestText = 2_048;

/** Control characters and halves of characters: Stack Auth cannot store some of them, and fails. */
const unusable = /[\p{Cc}\p{Cs}]/u;

const text: BodyRule = (value) =>
  typeof value === 'string' && value !== '' && value.length <= longestText && !unusable.test(value)
    ? null
    : `a text of 1 to ${longestText} characters without control characters is expected`;

/** For sign-ins: whether browsers keep the cookies when they are closed. */
class RememberBody {
  @OptionalSwitch() readonly remember?: boolean | null;
}

/** `POST /auth/sign-in` */
export class PasswordBody extends RememberBody {
  @Required('text', text) readonly email!: string;
  @Required('text', text) readonly password!: string;
}

/** `POST /auth/sign-up` */
export class SignUpBody extends PasswordBody {
  @Optional('text', text) readonly callbackUrl?: string | null;
}

/** `POST /auth/sign-in/totp` */
export class SecondFactorBody extends RememberBody {
  @Required('text', text) readonly attemptCode!: string;
  @Required('text', text) readonly code!: string;
}

/** `POST /auth/magic-link` */
export class MagicLinkBody {
  @Required('text', text) readonly email!: string;
  @Optional('text', text) readonly callbackUrl?: string | null;
}

/** `POST /auth/magic-link/confirm`: the code of the link, or the one for typing with the nonce. */
export class MagicLinkCodeBody extends RememberBody {
  @Required('text', text) readonly code!: string;
  @Optional('text', text) readonly nonce?: string | null;
}
