import { IsBoolean, IsNotEmpty, IsOptional, IsString } from 'class-validator';

import { IsSeconds, OrNull } from '../answer-rules.js';

/** A user in the answers of the backend API. */
export class PropelAuthUser {
  @IsString()
  @IsNotEmpty()
  readonly user_id!: string;

  @OrNull()
  @IsString()
  readonly email!: string | null;

  @IsBoolean()
  readonly email_confirmed!: boolean;

  @IsBoolean()
  readonly has_password!: boolean;

  @IsOptional()
  @IsString()
  readonly username?: string | null;

  @IsOptional()
  @IsString()
  readonly first_name?: string | null;

  @IsOptional()
  @IsString()
  readonly last_name?: string | null;

  @IsOptional()
  @IsString()
  readonly picture_url?: string | null;

  /** Whether the user was locked, after too many wrong passwords or by an administrator. */
  @IsBoolean()
  readonly locked!: boolean;

  /** Whether the user is not blocked. Tokens contain neither of the two. */
  @IsBoolean()
  readonly enabled!: boolean;

  @IsSeconds()
  readonly created_at!: number;

  @IsSeconds()
  readonly last_active_at!: number;
}
