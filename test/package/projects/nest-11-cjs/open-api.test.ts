import { describe, expect, it } from '@jest/globals';
import { Controller, Get, type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { applyAuthToOpenApi, AuthModule, oidc, OptionalAuth, Public, RequireScopes } from 'nest-gatehouse';

@Controller('cats')
class CatsController {
  @RequireScopes('cats:read')
  @Get()
  list(): string[] {
    return [];
  }

  @OptionalAuth()
  @Get('feed')
  feed(): string[] {
    return [];
  }

  @Public()
  @Get('count')
  count(): number {
    return 0;
  }
}

@Module({
  imports: [
    AuthModule.forRoot({ issuers: oidc({ issuer: 'https://issuer.example', audience: 'api' }), guardEverything: true }),
  ],
  controllers: [CatsController],
})
class AppModule {}

/** As the README has it. */
async function documentOf(app: INestApplication): Promise<OpenAPIObject> {
  const config = new DocumentBuilder().setOpenAPIVersion('3.1.0').build();
  const document = applyAuthToOpenApi(SwaggerModule.createDocument(app, config), app);
  SwaggerModule.setup('docs', app, document);
  await app.listen(0, '127.0.0.1');
  const response = await fetch(`${await app.getUrl()}/docs-json`);
  return (await response.json()) as OpenAPIObject;
}

describe('the OpenAPI document of @nestjs/swagger 11', () => {
  it('has the scheme, and the security and the responses of each operation', async () => {
    expect((require('@nestjs/swagger/package.json') as { version: string }).version).toMatch(/^11\./);
    const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
    const { components, paths } = await documentOf(app);
    await app.close();

    expect(components?.securitySchemes).toEqual({ bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } });
    const shown = ['/cats', '/cats/feed', '/cats/count'].map((path) => {
      const { security, responses = {} } = paths[path]?.get ?? {};
      return { security, statuses: Object.keys(responses).filter((status) => status >= '4') };
    });
    expect(shown).toEqual([
      { security: [{ bearer: ['cats:read'] }], statuses: ['401', '403', '503'] },
      { security: [{}, { bearer: [] }], statuses: ['503'] },
      { security: [], statuses: [] },
    ]);
  });
});
