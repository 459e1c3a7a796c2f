/** An app with one guarded route, whose issuer can simulate faults: `issuer.fail('503')`. */
import { Controller, Get, UseGuards } from '@nestjs/common';
import { AuthGuard, AuthModule, type AuthModuleOptions, CurrentUser, oidc } from 'nest-gatehouse';
import type { IssuerFault, TestIssuer } from 'nest-gatehouse/testing';
import { type Platform, type RunningApp, startApp, startIssuer } from './app.js';
import { ManualClock } from './manual-clock.js';
import type { Answer } from './http.js';
import { LogLines } from './log-lines.js';

@UseGuards(AuthGuard)
@Controller('me')
class MeController {
  @Get()
  me(@CurrentUser('id') id: string): object {
    return { id };
  }
}

export interface KeyApp {
  readonly issuer: TestIssuer;
  readonly app: RunningApp;
  /** The clock of the app and the issuer, which the test advances. */
  readonly clock: ManualClock;
  readonly log: LogLines;
  /** Calls the route with a new token that expires in a week. */
  readonly call: (claims?: object) => Promise<Answer>;
}

export interface KeyAppBeginning {
  /** A fault of the issuer from before the app starts. */
  readonly fault?: IssuerFault;
  /** The issuers of the app. @defaultValue the issuer, by discovery */
  readonly trust?: (issuer: TestIssuer, clock: ManualClock) => AuthIssuers | Promise<AuthIssuers>;
  readonly options?: Partial<AuthModuleOptions>;
}

type AuthIssuers = AuthModuleOptions['issuers'];

export async function startKeyApp(
  platform: Platform,
  { fault, trust, options }: KeyAppBeginning = {},
): Promise<KeyApp> {
  const [clock, log] = [new ManualClock(), new LogLines()];
  const issuer = await startIssuer({ clock });
  const issuers = await (trust?.(issuer, clock) ?? oidc({ issuer: issuer.url, audience: 'api' }));
  if (fault !== undefined) issuer.fail(fault);
  const app = await startApp(platform, {
    imports: [AuthModule.forRoot({ issuers, clock, http: { timeoutMs: 1_000 }, ...options })],
    controllers: [MeController],
    logger: log,
  });
  const call = async (claims = {}): Promise<Answer> =>
    app.call('/me', { token: await issuer.token({ aud: 'api', ...claims }, { expiresIn: '7d' }) });
  return { issuer, app, clock, log, call };
}
