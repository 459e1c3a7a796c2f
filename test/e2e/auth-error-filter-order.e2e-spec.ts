/** Filters of the app run before the package's own, which answers what they leave. */
import { type ArgumentsHost, Catch, Controller, type DynamicModule, type ExceptionFilter, Get } from '@nestjs/common';
import { HttpException, Scope, type Type, UseFilters } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { AuthError, AuthModule, isAuthError, oidc, RefusalError } from 'nest-gatehouse';
import { describe, expect, it } from 'vitest';
import { platforms, startApp } from '../support/app.js';
import { invalidToken, verdictOf } from '../support/verdicts.js';

@Controller()
class CatsController {
  @Get('revoked')
  revoked(): never {
    throw RefusalError.token('revoked', 'For the test');
  }
}

const authModule = (options: object = {}): DynamicModule =>
  AuthModule.forRoot({ issuers: oidc({ issuer: 'http://127.0.0.1:9', audience: 'api' }), ...options });

/** A filter that catches some kinds of errors, and says which one has answered. */
function filterFor(name: string, ...kinds: Type[]): Type<ExceptionFilter> {
  @Catch(...kinds)
  class OwnFilter implements ExceptionFilter {
    catch(error: unknown, host: ArgumentsHost): void {
      const response = host.switchToHttp().getResponse<{ status(code: number): { send(body: object): void } }>();
      response.status(400).send({ by: name, code: isAuthError(error) ? error.code : null });
    }
  }
  return OwnFilter;
}

const authErrorType = AuthError as unknown as Type;

describe.each(platforms)("filters of the app on $name run before the package's own", (platform) => {
  const byApp = { status: 400, json: { by: 'app', code: 'INVALID_TOKEN' } };
  const byPackage = { status: 401, json: { code: 'INVALID_TOKEN', reason: 'revoked' } };

  it.each([
    { kind: '@Catch()', kinds: [], expected: byApp },
    { kind: '@Catch(AuthError)', kinds: [authErrorType], expected: byApp },
    { kind: '@Catch(HttpException)', kinds: [HttpException], expected: byPackage },
  ])(
    '$kind: useGlobalFilters, APP_FILTER, a request-scoped APP_FILTER and @UseFilters',
    async ({ kinds, expected }) => {
      const Filter = filterFor('app', ...kinds);
      const parts = { imports: [authModule()], controllers: [CatsController] };

      @UseFilters(Filter)
      @Controller()
      class FilteredController extends CatsController {}

      const apps = [
        await startApp(platform, { ...parts, prepare: (nest) => nest.useGlobalFilters(new Filter()) }),
        await startApp(platform, { ...parts, providers: [{ provide: APP_FILTER, useClass: Filter }] }),
        await startApp(platform, {
          ...parts,
          providers: [{ provide: APP_FILTER, useClass: Filter, scope: Scope.REQUEST }],
        }),
        await startApp(platform, { ...parts, controllers: [FilteredController] }),
      ];
      for (const app of apps) expect(await app.call('/revoked')).toMatchObject(expected);
    },
  );

  it('is used by two modules of one app, and by two apps, each for itself', async () => {
    const other = authModule({ isGlobal: false });
    const twice = await startApp(platform, { imports: [authModule(), other], controllers: [CatsController] });
    const own = filterFor('app');
    const filtered = await startApp(platform, {
      imports: [authModule()],
      controllers: [CatsController],
      prepare: (nest) => nest.useGlobalFilters(new own()),
    });
    const answer = await twice.call('/revoked');
    expect(verdictOf(answer)).toEqual(invalidToken('revoked'));
    expect(await filtered.call('/revoked')).toMatchObject(byApp);
  });

  it('answers for request-scoped controllers too', async () => {
    @Controller({ scope: Scope.REQUEST })
    class ScopedController {
      @Get('scoped')
      scoped(): never {
        throw RefusalError.token('revoked', 'For the test');
      }
    }
    const app = await startApp(platform, {
      imports: [authModule()],
      controllers: [ScopedController],
    });
    expect(verdictOf(await app.call('/scoped'))).toEqual(invalidToken('revoked'));
  });
});
