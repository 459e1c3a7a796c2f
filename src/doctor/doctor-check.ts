import { docsUrl } from '../errors/docs-url.js';
import type { HttpCaller } from '../upstream/http-client.js';

/** What a check has found out about one thing. No member repeats a secret, a key or a token. */
export interface DoctorFinding {
  /** A name that does not change between versions: `issuer-discovery`, `database`. */
  readonly id: string;
  /** `warn`: it works, and is seldom meant. `fail`: it has to be changed. `skipped`: it was not checked; `found` states why. */
  readonly status: 'ok' | 'warn' | 'fail' | 'skipped';
  readonly found: string;
  /** What it should be; `null` where `found` is right, or nothing was checked. */
  readonly expected: string | null;
  /** The option to change, and to what; `null` where nothing is to be done. */
  readonly fix: string | null;
  /** The address of the page about it. */
  readonly docs: string;
}

/** What `npx nest-gatehouse doctor` gives to a check. */
export interface DoctorContext {
  /** Whether the check may make no call. It then gives `skipped` where it would make one. */
  readonly offline: boolean;
  /** The outside address of the running app (`--url`), without a slash at its end; `null` where it was not given. */
  readonly url: string | null;
  /** The origin of a page that calls the app (`--origin`); `null` where it was not given. */
  readonly origin: string | null;
  /** A sample access token from standard input; `null` where none was given. No finding may repeat it. */
  readonly token: string | null;
  readonly now: () => Date;
  /** Makes calls, each with a deadline of five seconds. */
  readonly http: HttpCaller;
}

// A registered symbol, so that a check of another loaded copy of the package is found: the command is an ES module, and the app
// may be CommonJS.
const brand = Symbol.for('nest-gatehouse.doctor-check');

/**
 * A check of `npx nest-gatehouse doctor`. Provide a class that extends it in any module of the app, and the doctor runs it:
 *
 * ```ts
 * @Injectable()
 * export class BillingCheck extends DoctorCheck {
 *   override run() {
 *     return [{ id: 'billing', status: 'ok', found: '…', expected: null, fix: null, docs: 'https://…' }] as const;
 *   }
 * }
 * ```
 *
 * The app was created and not initialized: `onModuleInit` of no module has run. A check reads only, and prints no secret.
 */
export abstract class DoctorCheck {
  constructor() {
    Object.defineProperty(this, brand, { value: true });
  }

  /** What it throws is reported as a failed check, by the name of the error alone. */
  abstract run(context: DoctorContext): readonly DoctorFinding[] | Promise<readonly DoctorFinding[]>;

  /** Called when all checks have run: for what the check has opened. */
  close?(): unknown;
}

/** Whether something is a check, of any loaded copy of the package. */
export function isDoctorCheck(value: unknown): value is DoctorCheck {
  return typeof value === 'object' && value !== null && brand in value;
}

/** Where the checks of the package are described. */
const page = `${docsUrl}/guides/doctor`;

export function ok(id: string, found: string): DoctorFinding {
  return { id, status: 'ok', found, expected: null, fix: null, docs: `${page}#${id}` };
}

export function skipped(id: string, why: string): DoctorFinding {
  return { id, status: 'skipped', found: why, expected: null, fix: null, docs: `${page}#${id}` };
}

/** What is wrong (`fail`) or seldom meant (`warn`). */
export function problem(
  status: 'warn' | 'fail',
  id: string,
  { found, expected, fix }: { readonly found: string; readonly expected: string; readonly fix: string },
): DoctorFinding {
  return { id, status, found, expected, fix, docs: `${page}#${id}` };
}
