import { IsArray, IsBoolean, IsNotEmpty, IsObject, IsOptional, IsString } from 'class-validator';
import { IsMilliseconds, OrNull } from '../answer-rules.js';

/**
 * A user in the answers of the REST API: the members that both kinds of access and all versions since 2.8.37 have, and
 * optional ones that are read when they are present.
 */
export class StackAuthUser {
  @IsString()
  @IsNotEmpty()
  readonly id!: string;

  @OrNull()
  @IsString()
  readonly display_name!: string | null;

  @OrNull()
  @IsString()
  readonly primary_email!: string | null;

  @IsBoolean()
  readonly primary_email_verified!: boolean;

  @OrNull()
  @IsString()
  readonly profile_image_url!: string | null;

  @IsMilliseconds()
  readonly signed_up_at_millis!: number;

  /** With server access only. */
  @IsOptional()
  @IsMilliseconds()
  readonly last_active_at_millis?: number | null;

  @IsBoolean()
  readonly has_password!: boolean;

  @IsBoolean()
  readonly is_anonymous!: boolean;

  /** Since January 2026, when restricted users were introduced. */
  @IsOptional()
  @IsBoolean()
  readonly is_restricted?: boolean | null;

  @IsArray()
  readonly oauth_providers!: readonly unknown[];
}

/** An account at another provider with which the user signs in. */
export class StackAuthAccount {
  @IsString()
  readonly id!: string;

  @IsString()
  readonly account_id!: string;

  @IsOptional()
  @IsString()
  readonly email?: string | null;
}

/** A list in the answers of the REST API. */
export class StackAuthList {
  @IsArray()
  readonly items!: readonly unknown[];

  /** Present in lists that are split into parts. */
  @IsOptional()
  @IsObject()
  readonly pagination?: { readonly next_cursor?: unknown } | null;
}

export class StackAuthTeam {
  @IsString()
  @IsNotEmpty()
  readonly id!: string;

  @IsString()
  readonly display_name!: string;
}

/** A permission in a team, or in the whole project. */
export class StackAuthPermission {
  @IsString()
  @IsNotEmpty()
  readonly id!: string;

  @IsString()
  readonly user_id!: string;

  @IsOptional()
  @IsString()
  readonly team_id?: string | null;
}
