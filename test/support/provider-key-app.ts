/** An app that accepts the API keys of providers. */
import { Controller, Get, UseGuards } from '@nestjs/common';
import {
  AcceptCredentials,
  AuthGuard,
  AuthModule,
  type AuthModuleOptions,
  type AuthUser,
  CurrentProfile,
  CurrentUser,
  fromBearer,
  fromHeader,
  OptionalAuth,
  RequireOrganization,
  type UserProfile,
  VerifyOnline,
} from 'nest-gatehouse';
import { type AppParts, type Platform, type RunningApp, startApp } from './app.js';
import { LogLines } from './log-lines.js';
import { ManualClock } from './manual-clock.js';

@UseGuards(AuthGuard)
@Controller()
class ProviderKeyController {
  /** The guard runs twice. */
  @UseGuards(AuthGuard)
  @Get('caller')
  caller(@CurrentUser() user: AuthUser): AuthUser {
    return user;
  }

  @OptionalAuth()
  @Get('maybe')
  maybe(@CurrentUser() user: AuthUser | null): object {
    return { id: user?.id ?? null };
  }

  @AcceptCredentials('access-token')
  @Get('people')
  people(): object {
    return {};
  }

  @VerifyOnline()
  @Get('online')
  online(@CurrentUser('id') id: string): object {
    return { id };
  }

  @RequireOrganization()
  @Get('orgs/:orgId')
  member(@CurrentUser('id') id: string): object {
    return { id };
  }

  @RequireOrganization({ permissions: ['read'] })
  @Get('orgs/:orgId/reports')
  reports(@CurrentUser('id') id: string): object {
    return { id };
  }

  @Get('profile')
  profile(@CurrentProfile() profile: UserProfile): object {
    return { id: profile.id, name: profile.displayName };
  }
}

export interface ProviderKeyApp {
  readonly app: RunningApp;
  readonly clock: ManualClock;
  readonly log: LogLines;
  /** The status of a call with a key. */
  status(key: string, path?: string): Promise<number>;
}

export async function startProviderKeyApp(
  platform: Platform,
  issuers: AuthModuleOptions['issuers'],
  options: Partial<AuthModuleOptions> = {},
  imports: AppParts['imports'] = [],
): Promise<ProviderKeyApp> {
  const [clock, log] = [new ManualClock(), new LogLines()];
  const app = await startApp(platform, {
    imports: [
      AuthModule.forRoot({
        issuers,
        clock,
        tokenFrom: [fromBearer(), fromHeader('x-api-key')],
        http: { timeoutMs: 4_000 },
        ...options,
      }),
      ...imports,
    ],
    controllers: [ProviderKeyController],
    logger: log,
  });
  return { app, clock, log, status: async (token, path = '/caller') => (await app.call(path, { token })).status };
}
