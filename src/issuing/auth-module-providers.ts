import type { Abstract, InjectionToken, Provider } from '@nestjs/common';

import { ConfigurationError } from '../errors/auth-error.js';

/** For the message that `AuthModule` is missing. */
export interface MissingAuthModule {
  /** The module that needs it: `SessionsModule.forRoot` */
  readonly where: string;
  /** The line to add. */
  readonly line: string;
}

/**
 * Injects parts of `AuthModule`. They are optional for Nest, so that an app without the module gets a message that says what
 * to do, and not the names of parts that it does not know.
 */
export function provideFromAuthModule(
  provide: new (...parts: never[]) => object,
  tokens: readonly (Abstract<unknown> | Exclude<InjectionToken, string>)[],
  { where, line }: MissingAuthModule,
): Provider {
  return {
    provide,
    inject: tokens.map((token) => ({ token, optional: true })),
    useFactory: (...parts: unknown[]) => {
      if (parts.every((part) => part !== undefined)) return new provide(...(parts as never[]));
      throw new ConfigurationError(
        where,
        'it does not see AuthModule',
        `Add ${line} to the imports of the root module, and leave isGlobal out`,
      );
    },
  };
}
