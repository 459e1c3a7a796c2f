import type { IncomingMessage } from 'node:http';
import { Controller, ForbiddenException, Get, HttpCode, Inject, Post, Req, Res } from '@nestjs/common';
import { type AuthUser, CurrentUser, Public } from 'nest-gatehouse';
import { SessionService, type TokenAnswer } from 'nest-gatehouse/sessions';
import { DemoAccounts } from './demo-accounts.js';
import { DemoProvider } from './provider/demo-provider.js';
import { readCookie, SentCookies } from './sent-cookies.js';

/** `publicUrl` is http on this machine, so the names have no prefix. With https they are `__Host-access` and `__Host-refresh`. */
const cookieNames = ['access', 'refresh'];

/** Where the page gets a session of the app in exchange for the provider's token. */
@Controller('playground/session')
export class SessionController {
  constructor(
    @Inject(SessionService) private readonly sessions: SessionService,
    @Inject(DemoProvider) private readonly provider: DemoProvider,
    @Inject(DemoAccounts) private readonly accounts: DemoAccounts,
    @Inject(SentCookies) private readonly sentCookies: SentCookies,
  ) {}

  /** The guard has verified the provider's token, whose user has an account by it. From here on, the browser has two cookies and needs that token no longer. */
  @Post()
  @HttpCode(200)
  async start(
    @CurrentUser() user: AuthUser,
    @Req() request: object,
    @Res({ passthrough: true }) response: object,
  ): Promise<TokenAnswer> {
    if (user.issuer !== this.provider.issuer) {
      throw new ForbiddenException('A session is given for a token of the provider, not for another session');
    }
    const account = await this.accounts.ofPerson(user);
    const session = await this.sessions.start(account.id, { request, amr: ['fed'] });
    return this.sessions.deliver(session, request, response);
  }

  /**
   * Opens another session of the same user, as a sign-in on another device does. The page stands for that device, so it gets the
   * tokens in the body. The request is not passed to `start`: otherwise the session of this browser would end.
   */
  @Post('devices')
  @HttpCode(200)
  async openDevice(
    @CurrentUser() user: AuthUser,
    @Req() request: object,
    @Res({ passthrough: true }) response: object,
  ): Promise<TokenAnswer> {
    const session = await this.sessions.start(user.id, { userAgent: 'Another device', delivery: 'body', amr: ['fed'] });
    return this.sessions.deliver(session, request, response);
  }

  /** Describes the cookies of the request. The values are not in the answer; of the access token, its claims are. */
  @Public()
  @Get('cookies')
  cookies(@Req() { headers: { cookie } }: IncomingMessage) {
    return {
      cookies: this.sentCookies.describe(cookie, cookieNames),
      claims: readClaims(readCookie(cookie, 'access')),
    };
  }
}

/** Decodes the claims of a token without verifying it, for display only. */
function readClaims(token: string | undefined): unknown {
  try {
    return JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString());
  } catch {
    return null;
  }
}
