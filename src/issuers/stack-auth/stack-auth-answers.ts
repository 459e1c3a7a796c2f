import {
  type AnswerOf,
  filledText,
  flag,
  list,
  milliseconds,
  object,
  oneOf,
  optional,
  orNull,
  text,
} from '../answer-rules.js';

/**
 * A user in the answers of the REST API: the members that both kinds of access and all versions since 2.8.37 have, and
 * optional ones that are read when they are present.
 */
export const stackAuthUser = {
  id: filledText,
  display_name: orNull(text),
  primary_email: orNull(text),
  primary_email_verified: flag,
  profile_image_url: orNull(text),
  signed_up_at_millis: milliseconds,
  /** With server access only. */
  last_active_at_millis: optional(milliseconds),
  has_password: flag,
  is_anonymous: flag,
  /** Since January 2026, when restricted users were introduced. */
  is_restricted: optional(flag),
  oauth_providers: list,
};

export type StackAuthUser = AnswerOf<typeof stackAuthUser>;

/** An account at another provider with which the user signs in. */
export const stackAuthAccount = { id: text, account_id: text, email: optional(text) };

/** A key that was confirmed. `user_id` is present in keys of users, `team_id` in those of teams. */
export const stackAuthKey = {
  id: filledText,
  type: oneOf('user' as const, 'team' as const),
  user_id: optional(filledText),
  team_id: optional(filledText),
  description: optional(text),
  is_public: optional(flag),
  expires_at_millis: optional(milliseconds),
  manually_revoked_at_millis: optional(milliseconds),
};

export type StackAuthKey = AnswerOf<typeof stackAuthKey>;

/** A list in the answers of the REST API. */
export const stackAuthList = {
  items: list,
  /** Present in lists that are split into parts. */
  pagination: optional(object),
};

export const stackAuthTeam = { id: filledText, display_name: text };

export type StackAuthTeam = AnswerOf<typeof stackAuthTeam>;

/** A permission in a team, or in the whole project. */
export const stackAuthPermission = { id: filledText, user_id: text, team_id: optional(text) };

export type StackAuthPermission = AnswerOf<typeof stackAuthPermission>;

/** The tokens of somebody who has signed in. */
export const stackAuthTokens = {
  access_token: filledText,
  refresh_token: filledText,
  is_new_user: optional(flag),
};

/** The answer to a refresh, which leaves the refresh token as it is. */
export const stackAuthRefreshed = { access_token: filledText };

export const stackAuthSession = {
  id: filledText,
  created_at: milliseconds,
  last_used_at: optional(milliseconds),
  is_impersonation: flag,
};

export type StackAuthSessionRow = AnswerOf<typeof stackAuthSession>;

/** What a code that was mailed for typing is completed by. */
export const stackAuthNonce = { nonce: filledText };

export const stackAuthPasskeyOptions = { options_json: object, code: filledText };
