import { RefusalError } from '../errors/auth-error.js';
import type { AccountPasswords } from './account-passwords.js';
import type { FoundAccount } from './account-store.js';
import type { GuessingLimits } from './guessing-limits.js';

/** A password that is given for an account. */
export interface PasswordGuess {
  /** What failures are counted under. */
  readonly key: string;
  /** `null` where there is no account with this login. */
  readonly found: FoundAccount | null;
  readonly password: string;
  readonly network: string | null;
}

/** Checks passwords, and limits how often one may guess. */
export class LoginCheck {
  constructor(
    private readonly passwords: AccountPasswords,
    private readonly findLimits: () => GuessingLimits,
  ) {}

  /** @throws {RefusalError} as `refuse` gives it, or `TOO_MANY_ATTEMPTS` before the password is looked at. */
  checkPassword(
    { key, found, password, network }: PasswordGuess,
    refuse: (explanation: string) => RefusalError = (explanation) =>
      RefusalError.of('INVALID_CREDENTIALS', explanation),
  ): Promise<FoundAccount> {
    const login = { login: key, network, accountId: found?.id ?? null };
    return this.findLimits().judge(login, async () => {
      const account = await this.passwords.check(found, password, network);
      if (account === null) throw refuse(describeRefusal(found));
      return account;
    });
  }
}

/** What failures are counted under: the address or the username, in the form in which those are compared. */
export function loginKey(normalized: string): string {
  return `login ${normalized}`;
}

/** The same for an account that is known. */
export function loginKeyOf({ id, emailKey, usernameKey }: FoundAccount): string {
  return loginKey(emailKey ?? usernameKey ?? id);
}

/** For the log, which an operator reads; the answer is the same. */
function describeRefusal(found: { readonly status: string } | null): string {
  if (found === null) return 'There is no account with this address or username, or its address is not verified';
  return found.status === 'disabled' ? 'The account is disabled' : 'The password is wrong';
}
