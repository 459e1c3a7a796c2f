import { type AnswerOf, filledText, flag, optional, orNull, seconds, text } from '../answer-rules.js';

/** A user in the answers of the backend API. */
export const propelAuthUser = {
  user_id: filledText,
  email: orNull(text),
  email_confirmed: flag,
  has_password: flag,
  username: optional(text),
  first_name: optional(text),
  last_name: optional(text),
  picture_url: optional(text),
  /** Whether the user was locked, after too many wrong passwords or by an administrator. */
  locked: flag,
  /** Whether the user is not blocked. Tokens contain neither of the two. */
  enabled: flag,
  created_at: seconds,
  last_active_at: seconds,
};

export type PropelAuthUser = AnswerOf<typeof propelAuthUser>;
