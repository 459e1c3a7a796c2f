import type { IncomingMessage } from 'node:http';
import { Controller, Get, HttpCode, Inject, NotFoundException, Post, Req, Res } from '@nestjs/common';
import { type AuthUser, CurrentUser, type JsonObject, Public } from 'nest-gatehouse';
import { LoginService } from 'nest-gatehouse/login';
import { SessionService, type TokenAnswer } from 'nest-gatehouse/sessions';
import { DemoProvider } from './provider/demo-provider.js';
import { loginId } from './provider/provider-configuration.js';
import { readCookie, SentCookies } from './sent-cookies.js';

/** `publicUrl` is http on this machine, so the names have no prefix. With https they are `__Host-access` and `__Host-refresh`. */
const cookieNames = ['access', 'refresh'];

/** What the page asks about the session of the browser, in addition to the routes of `SessionsModule`. */
@Controller('playground/session')
export class SessionController {
  constructor(
    @Inject(SessionService) private readonly sessions: SessionService,
    @Inject(DemoProvider) private readonly provider: DemoProvider,
    @Inject(LoginService) private readonly logins: LoginService,
    @Inject(SentCookies) private readonly sentCookies: SentCookies,
  ) {}

  /**
   * The access token that the provider has given for the user of the session; a new one, where it has expired. The page experiments with
   * it. An app calls the provider's API with it, and never sends it to a browser.
   */
  @Get('provider-token')
  async providerToken(@CurrentUser('id') userId: string): Promise<{ readonly token: string }> {
    const token = await this.logins.accessTokenOf(userId, loginId);
    const { iat } = readClaims(token) ?? {};
    // The provider of an earlier run had other keys.
    if (typeof iat !== 'number' || iat * 1_000 < this.provider.startedAt.getTime() - 1_000)
      throw new NotFoundException();
    return { token };
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
function readClaims(token: string | undefined): JsonObject | null {
  try {
    return JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString()) as JsonObject;
  } catch {
    return null;
  }
}
