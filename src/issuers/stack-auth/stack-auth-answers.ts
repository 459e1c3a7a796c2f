import { IsArray, IsBoolean, IsNotEmpty, IsObject, IsOptional, IsString } from 'class-validator';
import { IsMilliseconds, OrNull } from '../answer-rules.js';

/**
 * A user as the REST API tells it: what both kinds of access and all versions since 2.8.37 have, and what is
 * read when it is there.
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

  /** Since there are restricted users, January 2026. */
  @IsOptional()
  @IsBoolean()
  readonly is_restricted?: boolean | null;

  @IsArray()
  readonly oauth_providers!: readonly unknown[];
}

/** An account at another provider that the user signs in with. */
export class StackAuthAccount {
  @IsString()
  readonly id!: string;

  @IsString()
  readonly account_id!: string;

  @IsOptional()
  @IsString()
  readonly email?: string | null;
}

/** A list as the REST API gives it. */
export class StackAuthList {
  @IsArray()
  readonly items!: readonly unknown[];

  /** Of lists that come in parts. */
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

/** GrantedAuthorities in a team, or in the whole project. */
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
