import { type AnswerOf, filledText, oneOf, optional, text } from './answer-rules.js';

/** Claims about the end user (OpenID Connect Core §5.1). The granted scopes determine which of them are present. */
export const userInfo = {
  sub: filledText,
  name: optional(text),
  given_name: optional(text),
  family_name: optional(text),
  preferred_username: optional(text),
  picture: optional(text),
  email: optional(text),
  /** A boolean by the specification; some providers, such as Cognito, send it as text. */
  email_verified: optional(oneOf<boolean | 'true' | 'false'>(true, false, 'true', 'false')),
};

export type UserInfo = AnswerOf<typeof userInfo>;
