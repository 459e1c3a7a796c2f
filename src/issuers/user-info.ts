import { IsIn, IsNotEmpty, IsOptional, IsString } from 'class-validator';

/** Claims about the end user (OpenID Connect Core §5.1). The granted scopes determine which of them are present. */
export class UserInfo {
  @IsString()
  @IsNotEmpty()
  readonly sub!: string;

  @IsOptional()
  @IsString()
  readonly name?: string | null;

  @IsOptional()
  @IsString()
  readonly given_name?: string | null;

  @IsOptional()
  @IsString()
  readonly family_name?: string | null;

  @IsOptional()
  @IsString()
  readonly preferred_username?: string | null;

  @IsOptional()
  @IsString()
  readonly picture?: string | null;

  @IsOptional()
  @IsString()
  readonly email?: string | null;

  /** A boolean by the specification; some providers, such as Cognito, send it as text. */
  @IsOptional()
  @IsIn([true, false, 'true', 'false'])
  readonly email_verified?: boolean | 'true' | 'false' | null;
}
