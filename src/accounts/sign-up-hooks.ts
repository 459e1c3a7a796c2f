import type { JsonObject } from '../token/json-object.js';
import { checkInput } from './account-input.js';
import type { SignUpAttempt, SignUpHook } from './account-options.js';

/** Asks the app about sign-ups. */
export class SignUpHooks {
  constructor(private readonly findHook: () => SignUpHook | null) {}

  /**
   * @returns the custom data of the new account; `undefined` where the app gives none
   * @throws what the app throws: an `HttpException` is answered as such, before anything tells whether there is an account
   */
  async call(attempt: SignUpAttempt): Promise<JsonObject | undefined> {
    const added = await this.findHook()?.beforeSignUp(attempt);
    const customData = added?.customData;
    if (customData !== undefined) checkInput({ customData }, { customData: 'customData' });
    return customData;
  }
}
