import { DoctorCheck, type DoctorContext, type DoctorFinding, ok, problem, skipped } from '../doctor/doctor-check.js';
import { isConfigurationError } from '../errors/auth-error.js';
import type { RevocationTerms } from './revocation-options.js';
import type { RevocationStore } from './revocation-store.js';

/** Where revocations are kept, and how late another instance of the app learns of one. */
export class RevocationDoctorCheck extends DoctorCheck {
  constructor(
    /** `null` where revocation is off. */
    private readonly terms: RevocationTerms | null,
    private readonly findStore: () => RevocationStore | null,
  ) {
    super();
  }

  override async run(context: DoctorContext): Promise<readonly DoctorFinding[]> {
    const { terms } = this;
    if (terms === null) return [ok('revocation', 'revocation is off: an access token is accepted until it expires')];
    const store = this.findStore();
    if (store !== null) return [await inspect(store, terms, context)];
    return [
      problem('warn', 'revocation', {
        found:
          'revocations are kept in the memory of each process: a restart forgets them, and other instances never learn of them',
        expected: 'a store that all instances share',
        fix: 'Add SqlStoresModule or RedisStoresModule, or provide a RevocationStore',
      }),
    ];
  }
}

/** Reads one page of the store, as each instance does when it starts. */
async function inspect(
  store: RevocationStore,
  { refreshSeconds, serveStaleForSeconds, onUnavailable }: RevocationTerms,
  { offline, now }: DoctorContext,
): Promise<DoctorFinding> {
  const { name } = store.constructor;
  const decided =
    `other instances refuse what is revoked within ${refreshSeconds} s; while it cannot be read, tokens are accepted for ` +
    `${serveStaleForSeconds} s by what was last read, and then ${onUnavailable === 'reject' ? 'answered with 503' : 'accepted'}`;
  if (offline)
    return skipped('revocation', `kept by ${name}: ${decided}. It was not read, because the doctor runs --offline`);
  const startedAt = now().getTime();
  try {
    await store.snapshot();
    return ok('revocation', `kept by ${name}, read in ${now().getTime() - startedAt} ms: ${decided}`);
  } catch (error) {
    // A database that is behind or not there yet is what the check of the database is about.
    if (isConfigurationError(error)) return skipped('revocation', `kept by ${name}: ${error.explanation}`);
    return problem('fail', 'revocation', {
      found: `kept by ${name}, which cannot be read (${error instanceof Error ? error.name : 'no error'})`,
      expected: 'a store that answers: an instance that has read nothing yet answers tokens with 503',
      fix: 'Start it, and check its address; the finding about the database or Redis states more',
    });
  }
}
