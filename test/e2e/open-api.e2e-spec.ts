/** An OpenAPI document tells what the guard does, because both read the same marks. */
import { Controller, Get, Module, Param, Post, UseGuards, Version, VersioningType } from '@nestjs/common';
import { RouterModule } from '@nestjs/core';
import { ApiResponse, ApiSecurity, DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import {
  AuthGuard,
  AuthModule,
  applyAuthToOpenApi,
  fromBearer,
  fromCookie,
  fromHeader,
  OptionalAuth,
  oidc,
  type OpenApiAuthOptions,
  Public,
  RequireAnyScope,
  RequireScopes,
} from 'nest-gatehouse';
import type { AuthModuleOptions } from 'nest-gatehouse';
import { describe, expect, it } from 'vitest';
import { platforms, startApp } from '../support/app.js';

@RequireScopes('cats:read')
@Controller('cats')
class CatsController {
  @Get()
  list(): string[] {
    return [];
  }

  @RequireAnyScope('cats:write', 'admin')
  @Post(':id/name')
  name(@Param('id') id: string): string {
    return id;
  }

  @Public()
  @ApiSecurity('bearer')
  @Get('count')
  count(): number {
    return 0;
  }

  @Version('2')
  @Get('of/:owner')
  ofOwner(@Param('owner') owner: string): string {
    return owner;
  }
}

@Controller('feed')
class FeedController {
  @OptionalAuth()
  @Get()
  feed(): string[] {
    return [];
  }

  @OptionalAuth({ onInvalid: 'reject', onUnavailable: 'anonymous' })
  @Get('strict')
  strict(): string[] {
    return [];
  }

  @UseGuards(AuthGuard)
  @ApiSecurity('partner')
  @ApiResponse({ status: 401, description: 'In our own words.' })
  @Get('own')
  own(): string[] {
    return [];
  }

  @Get('unguarded')
  unguarded(): string[] {
    return [];
  }
}

@Module({ controllers: [FeedController] })
class FeedModule {}

const issuers = oidc({ issuer: 'https://issuer.example', audience: 'api' });

interface Wanted {
  readonly options?: Partial<AuthModuleOptions>;
  readonly openApi?: OpenApiAuthOptions;
  readonly version?: string;
  readonly ignoreGlobalPrefix?: boolean;
}

interface Operation {
  readonly security?: object[];
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
}

describe.each(platforms)('an OpenAPI document on $name', (platform) => {
  async function documentOf({
    options,
    openApi,
    version,
    ignoreGlobalPrefix = false,
  }: Wanted = {}): Promise<OpenAPIObject> {
    const routes = RouterModule.register([{ path: 'animals', module: FeedModule }]);
    const app = await startApp(platform, {
      imports: [AuthModule.forRoot({ issuers, ...options }), FeedModule, routes],
      controllers: [CatsController],
      prepare: (nest) => {
        nest.setGlobalPrefix('api');
        nest.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' });
      },
    });
    const builder = new DocumentBuilder();
    if (version !== undefined) builder.setOpenAPIVersion(version);
    const nest = app.nest;
    return applyAuthToOpenApi(
      SwaggerModule.createDocument(nest, builder.build(), { ignoreGlobalPrefix }),
      nest,
      openApi,
    );
  }

  const operation = (document: OpenAPIObject, method: 'get' | 'post', path: string): Operation => {
    const found = document.paths[path]?.[method];
    if (found === undefined) throw new Error(`No ${path} among ${Object.keys(document.paths).join(', ')}`);
    return found as unknown as Operation;
  };
  const statuses = ({ responses }: Operation): string[] => Object.keys(responses).filter((status) => status >= '4');

  it('has the scheme, the responses, and in 3.1 the scopes of each guarded operation', async () => {
    const document = await documentOf({ version: '3.1.0' });
    expect(document.components?.securitySchemes).toEqual({
      bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
    });
    const list = operation(document, 'get', '/api/v1/cats');
    expect(list.security).toEqual([{ bearer: ['cats:read'] }]);
    expect(statuses(list)).toEqual(['401', '403', '503']);
    expect(list.responses['403']?.description).toContain('scopes: cats:read');
    expect(operation(document, 'post', '/api/v1/cats/{id}/name').security).toEqual([
      { bearer: ['cats:read', 'cats:write'] },
      { bearer: ['cats:read', 'admin'] },
    ]);
    expect(operation(document, 'get', '/api/v2/cats/of/{owner}').security).toEqual([{ bearer: ['cats:read'] }]);
  });

  it('has no scopes in a bearer scheme of 3.0, which does not allow them', async () => {
    const document = await documentOf();
    expect(document.openapi).toBe('3.0.0');
    expect(operation(document, 'post', '/api/v1/cats/{id}/name').security).toEqual([{ bearer: [] }]);
  });

  it('has scopes with an OAuth scheme that the app names', async () => {
    const openId = {
      type: 'openIdConnect',
      openIdConnectUrl: 'https://issuer.example/.well-known/openid-configuration',
    } as const;
    const document = await documentOf({ openApi: { schemes: { openId } } });
    expect(document.components?.securitySchemes).toEqual({ openId });
    expect(operation(document, 'get', '/api/v1/cats').security).toEqual([{ openId: ['cats:read'] }]);
  });

  it('has no security for a public operation, even if the app documents one', async () => {
    const count = operation(await documentOf(), 'get', '/api/v1/cats/count');
    expect(count.security).toEqual([]);
    expect(statuses(count)).toEqual([]);
  });

  it('allows anonymous callers for an optional operation', async () => {
    const document = await documentOf();
    const feed = operation(document, 'get', '/api/v1/animals/feed');
    expect(feed.security).toEqual([{}, { bearer: [] }]);
    expect(statuses(feed)).toEqual(['503']);
    expect(statuses(operation(document, 'get', '/api/v1/animals/feed/strict'))).toEqual(['401']);
  });

  it('keeps what the app has documented', async () => {
    const own = operation(await documentOf(), 'get', '/api/v1/animals/feed/own');
    expect(own.security).toEqual([{ partner: [] }]);
    expect(own.responses['401']?.description).toBe('In our own words.');
    expect(statuses(own)).toEqual(['401', '503']);
  });

  it('is unchanged for an unguarded operation, until everything is guarded', async () => {
    const path = '/api/v1/animals/feed/unguarded';
    expect(operation(await documentOf(), 'get', path).security).toBeUndefined();
    const guarded = operation(await documentOf({ options: { guardEverything: true } as object }), 'get', path);
    expect(guarded.security).toEqual([{ bearer: [] }]);
  });

  it('has a scheme for each token source', async () => {
    const tokenFrom = [fromBearer(), fromHeader('x-access-token'), fromCookie('access_token')];
    const document = await documentOf({ options: { tokenFrom } });
    expect(document.components?.securitySchemes).toEqual({
      bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
      'x-access-token': { type: 'apiKey', in: 'header', name: 'x-access-token' },
      'cookie.access_token': { type: 'apiKey', in: 'cookie', name: 'access_token' },
    });
    expect(operation(document, 'get', '/api/v1/cats').security).toEqual([
      { bearer: [] },
      { 'x-access-token': [] },
      { 'cookie.access_token': [] },
    ]);
  });

  it('is matched without the global prefix too', async () => {
    const document = await documentOf({ ignoreGlobalPrefix: true });
    expect(operation(document, 'get', '/v1/cats').security).toEqual([{ bearer: [] }]);
  });

  it('is not changed when an option is unknown', async () => {
    await expect(documentOf({ openApi: { scheme: {} } as object })).rejects.toThrow(/schemes/);
  });
});
