/** Names of 0.1.0 are the same types as the names that replace them, and old shapes are still accepted. */
/* eslint-disable @typescript-eslint/no-deprecated -- This file tests the deprecated names. */
import type {
  AuthUnavailableError,
  ConfigurationError,
  EntryPoint,
  EntryPointKind,
  EntryPoints,
  FaultError,
  HandlerInfo,
  HandlerInventory,
  HandlerKind,
  HttpEntryPoint,
  HttpHandlerInfo,
  ProfileSource,
  TransportPlugin,
  UserProfile,
  Wire,
} from 'nest-gatehouse';
import { describe, expectTypeOf, it } from 'vitest';

describe('a name of 0.1.0', () => {
  it('is the type of its replacement', () => {
    expectTypeOf<FaultError>().toEqualTypeOf<AuthUnavailableError>();
    expectTypeOf<EntryPoints>().toEqualTypeOf<HandlerInventory>();
    expectTypeOf<EntryPoint>().toEqualTypeOf<HandlerInfo>();
    expectTypeOf<EntryPointKind>().toEqualTypeOf<HandlerKind>();
    expectTypeOf<HttpEntryPoint>().toEqualTypeOf<HttpHandlerInfo>();
    expectTypeOf<Wire>().toEqualTypeOf<TransportPlugin>();
  });

  it('is a member of the renamed types', () => {
    expectTypeOf<ConfigurationError['mend']>().toEqualTypeOf<ConfigurationError['fix']>();
    expectTypeOf<HandlerInfo['demands']>().toExtend<{
      readonly online: boolean;
      readonly requirements: NonNullable<HandlerInfo['requirements']>['all'];
    } | null>();
    expectTypeOf<{ get: () => null; findBar: (profile: UserProfile) => string }>().toExtend<ProfileSource>();
  });
});
