import { DoctorCheck, type DoctorFinding, ok } from '../doctor/doctor-check.js';
import type { ApiKeyTerms } from './api-key-options.js';

/** Whether the app keeps its API keys. */
export class ApiKeysDoctorCheck extends DoctorCheck {
  constructor(
    private readonly terms: Pick<ApiKeyTerms, 'prefix'>,
    /** Throws a `ConfigurationError` where there is no store. */
    private readonly findStore: () => object,
  ) {
    super();
  }

  override run(): readonly DoctorFinding[] {
    return [ok('api-keys', `keys begin with ${this.terms.prefix}_; kept by ${this.findStore().constructor.name}`)];
  }
}
