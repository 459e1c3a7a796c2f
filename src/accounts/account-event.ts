/** What happened to an account, after it was stored. */
export interface AccountEvent {
  readonly type:
    | 'account-created'
    | 'account-upgraded'
    | 'account-disabled'
    | 'account-deleted'
    | 'signed-in'
    | 'password-changed';
  readonly accountId: string;
  readonly at: Date;
}
