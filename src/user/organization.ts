/** An organization (team, tenant) that the token says the user is a member of. */
export interface Organization {
  readonly id: string;
  readonly name: string | null;
  /** The name as it stands in addresses. */
  readonly slug: string | null;
  readonly roles: readonly string[];
  readonly permissions: readonly string[];
}
