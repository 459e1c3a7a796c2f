import { isProduction } from '../configuration/read-options.js';
import { DoctorCheck, type DoctorFinding, ok, problem } from '../doctor/doctor-check.js';
import type { AccountTerms } from './account-options.js';
import { checkMail } from './account-parts.js';
import type { AccountStores } from './account-stores.js';

/** The stores and the mails of accounts. It sends no mail. */
export class AccountsDoctorCheck extends DoctorCheck {
  constructor(
    private readonly terms: AccountTerms,
    private readonly stores: AccountStores,
  ) {
    super();
  }

  override run(): readonly DoctorFinding[] {
    const { terms, stores } = this;
    // What is missing is thrown, and reported as a wrong option.
    stores.check(terms);
    checkMail(terms);
    if (terms.mail !== null) return [ok('mail', 'the app has a sender of mails')];
    if (isProduction()) return [ok('mail', 'no feature that is on sends mails')];
    return [
      problem('warn', 'mail', {
        found: 'mails are written to the log; with NODE_ENV=production the app does not start like this',
        expected: 'a sender of mails',
        fix: "Write AccountsModule.forRoot({ mail: smtp(process.env.SMTP_URL, { from: 'Example <no-reply@example.com>' }) })",
      }),
    ];
  }
}
