import { DoctorCheck, type DoctorFinding, ok } from '../doctor/doctor-check.js';
import type { LoginChoice } from './login.service.js';

/** The addresses that have to be registered at the providers, to the letter. */
export class LoginDoctorCheck extends DoctorCheck {
  constructor(private readonly listChoices: () => Promise<readonly LoginChoice[]>) {
    super();
  }

  override async run(): Promise<readonly DoctorFinding[]> {
    const choices = await this.listChoices();
    return choices.map(({ id, callbackUrl }) =>
      ok('login-callback', `register at ${id}, to the letter: ${callbackUrl}`),
    );
  }
}
