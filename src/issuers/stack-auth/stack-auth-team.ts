import { IsArray, IsNotEmpty, IsObject, IsOptional, IsString } from 'class-validator';

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
