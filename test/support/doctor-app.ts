/** The apps that `npx nest-gatehouse doctor` opens in the tests: `AppModule` is the one that the environment names. */
import { IsString } from 'class-validator';
import { Redis } from 'ioredis';
import { Controller, Get, Module, type ModuleMetadata, UseGuards } from '@nestjs/common';
import {
  AuthGuard,
  AuthModule,
  type AuthModuleExtras,
  type AuthModuleOptions,
  cognito,
  DoctorCheck,
  fromBearer,
  fromCookie,
  fromProxyHeader,
  jwtIssuer,
  keycloak,
  oidc,
  Public,
  stackAuth,
} from 'nest-gatehouse';
import { AccountsModule, smtp } from 'nest-gatehouse/accounts';
import { apiKeys, ApiKeysModule } from 'nest-gatehouse/api-keys';
import { google, LoginModule } from 'nest-gatehouse/login';
import { fromSessionCookie, ownTokens, SessionsModule } from 'nest-gatehouse/sessions';
import { RedisStoresModule } from 'nest-gatehouse/redis';
import { StackAuthModule } from 'nest-gatehouse/stack-auth';
import { embeddedPostgres, postgres, SqlStoresModule } from 'nest-gatehouse/sql';

const read = (name: string): string => process.env[name] ?? '';
const issuer = read('ISSUER');
const publicUrl = read('PUBLIC_URL');

@UseGuards(AuthGuard)
@Controller('cats')
class CatsController {
  @Get()
  list(): string {
    return 'cats';
  }

  @Public()
  @Get('count')
  count(): number {
    return 9;
  }
}

class Claims {
  @IsString()
  team!: string;
}

@Controller('dogs')
class DogsController {
  @Get()
  list(): string {
    return 'dogs';
  }
}

class GuardedController {
  @UseGuards(AuthGuard)
  @Get()
  list(): string {
    return 'guarded';
  }
}

@Controller('kittens')
class KittensController extends GuardedController {
  @Get()
  override list(): string {
    return 'open';
  }
}

/** A module of the app with a check of its own. Were the app initialized, the test would see what it prints. */
class BillingCheck extends DoctorCheck {
  override run() {
    const docs = 'https://example.com/billing';
    return [{ id: 'billing', status: 'ok', found: 'paid', expected: null, fix: null, docs } as const];
  }

  onModuleInit(): void {
    process.stdout.write('INITIALIZED');
  }
}

const withAuth = (options: AuthModuleOptions & AuthModuleExtras, more: ModuleMetadata = {}): ModuleMetadata => ({
  controllers: [CatsController],
  ...more,
  imports: [AuthModule.forRoot(options), ...(more.imports ?? [])],
});

const accepted = () => oidc({ issuer, audience: 'api' });

/** One app for each mistake, named after it. */
const apps: Readonly<Record<string, () => ModuleMetadata>> = {
  healthy: () => withAuth({ issuers: accepted(), ...(publicUrl && { publicUrl }) }, { providers: [BillingCheck] }),
  'access tokens alone': () => withAuth({ issuers: oidc({ issuer, audience: 'api', tokenType: 'at+jwt' }) }),
  'wrong keys': () =>
    withAuth({ issuers: jwtIssuer({ issuer, audience: 'api', jwksUri: read('JWKS_URI').split(' ') }) }),
  'cookie alone': () => withAuth({ issuers: accepted(), publicUrl, tokenFrom: [fromCookie('access')] }),
  'own client ids': () => withAuth({ issuers: cognito({ userPoolId: 'eu-west-1_aBcDeFgHi', clientId: 'web' }) }),
  'overridden route': () => withAuth({ issuers: accepted() }, { controllers: [KittensController] }),
  'open cookie': () =>
    withAuth({ issuers: accepted(), publicUrl, tokenFrom: [fromCookie('access', { checkOrigin: false })] }),
  'unguarded route': () => withAuth({ issuers: accepted() }, { controllers: [CatsController, DogsController] }),
  resource: () =>
    withAuth({
      issuers: oidc({ issuer, audience: `${publicUrl}/cats` }),
      publicUrl,
      resource: { identifier: `${publicUrl}/cats` },
    }),
  'own claims': () =>
    withAuth({ issuers: accepted(), claims: Claims, dpop: 'accept', scopeImplies: { admin: ['cats:write'] } }),
  'bound tokens': () => withAuth({ issuers: accepted(), dpop: { mode: 'accept', nonce: true } }),
  'bound tokens of several instances': () =>
    withAuth(
      {
        issuers: accepted(),
        publicUrl,
        dpop: { mode: 'require', nonce: true, nonceSecret: read('SECRET') },
        clientCertificate: fromProxyHeader('x-client-cert', { format: 'pem', trustedProxies: ['10.0.0.0/8'] }),
        revocation: true,
      },
      {
        imports: [
          RedisStoresModule.forRoot({
            client: new Redis(read('REDIS_URL'), { retryStrategy: null, maxRetriesPerRequest: 1 }).on(
              'error',
              () => undefined,
            ),
            keyPrefix: read('KEY_PREFIX'),
          }),
        ],
      },
    ),
  'keycloak inside': () =>
    withAuth({
      issuers: keycloak({ serverUrl: publicUrl, internalUrl: issuer, realm: 'demo', audience: 'api' }),
    }),
  cookies: () =>
    withAuth({
      issuers: accepted(),
      publicUrl,
      trustedOrigins: ['https://app.example.com'],
      tokenFrom: [fromCookie('access')],
    }),
  'stack auth': () =>
    withAuth(
      { issuers: stackAuth({ projectId: 'project-1', baseUrl: issuer }), publicUrl, tokenFrom: [fromBearer()] },
      { imports: [StackAuthModule.forRoot()] },
    ),
  'wrong option': () => withAuth({ issuers: accepted(), publicURL: 'x' } as never),
  'app that throws': () => {
    throw new TypeError(`cannot connect to postgres://app:${read('SECRET')}@db/app`);
  },
  everything: () =>
    withAuth(
      { issuers: [ownTokens(), apiKeys()], publicUrl, tokenFrom: [fromSessionCookie()], guardEverything: true },
      {
        imports: [
          SessionsModule.forRoot({ delivery: ['cookies'] }),
          AccountsModule.forRoot({ mail: smtp(read('SMTP_URL'), { from: 'no-reply@example.com' }) }),
          ApiKeysModule.forRoot({ prefix: 'acme' }),
          LoginModule.forRoot({
            providers: [google({ clientId: 'client', clientSecret: read('SECRET') })],
            returnTo: `${publicUrl}/welcome`,
          }),
          SqlStoresModule.forRoot({
            database:
              read('DIRECTORY') === ''
                ? postgres(read('DATABASE_URL'))
                : embeddedPostgres({ directory: read('DIRECTORY') }),
            ...(read('SCHEMA') && { schema: read('SCHEMA') }),
            ...(read('ENCRYPTION_KEY') && { encryptionKey: read('ENCRYPTION_KEY') }),
          }),
        ],
      },
    ),
};

export class AppModule {}
Module(apps[read('APP')]?.() ?? {})(AppModule);
