/** Commands, seeds and workers run by `createApplicationContext`, which serves no callers. */
import { Controller, Get, Injectable, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MessagePattern, Transport } from '@nestjs/microservices';
import { AuthGuard, AuthModule, type AuthModuleOptions, oidc, TokenVerifier } from 'nest-gatehouse';
import { microservices } from 'nest-gatehouse/microservices';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { endAfterwards, startIssuer } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { LogLines } from '../support/log-lines.js';

@Controller('cats')
class CatsController {
  @UseGuards(AuthGuard)
  @Get()
  list(): string[] {
    return [];
  }

  @MessagePattern('count')
  count(): number {
    return 0;
  }
}

@Injectable()
class Seeds {
  sow(): string {
    return 'sown';
  }
}

const logger = new LogLines();
let downIssuer: TestIssuer;
let issuer: TestIssuer;

beforeAll(async () => {
  issuer = await startIssuer();
  downIssuer = await startIssuer();
  downIssuer.fail('503');
});

beforeEach(() => {
  logger.forget();
});

function moduleWith(options: Partial<AuthModuleOptions>, from: TestIssuer): new () => object {
  const issuers = oidc({ issuer: from.url, audience: 'api' });
  const imports = [AuthModule.forRoot({ issuers, transports: [microservices()], ...options })];
  @Module({ imports, controllers: [CatsController], providers: [Seeds] })
  class AppModule {}
  return AppModule;
}

const ours = (): string[] => logger.ours().map(({ level, text }) => `${level}: ${text}`);

describe('an application context', () => {
  it.each([{ warmUp: 'required' }, { warmUp: true }, { routeAudit: true }, { routeAudit: { strict: true } }] as const)(
    'runs, and logs nothing, whatever the issuer does: %j',
    async (options) => {
      const app = await NestFactory.createApplicationContext(moduleWith(options, downIssuer), {
        logger,
        abortOnError: false,
      });
      endAfterwards(() => app.close());
      expect(app.get(Seeds).sow()).toBe('sown');
      expect(ours()).toEqual([]);
      expect(downIssuer.requests.total).toBe(0);
    },
  );

  it('verifies tokens, with keys that are fetched when they are needed', async () => {
    const app = await NestFactory.createApplicationContext(moduleWith({ warmUp: 'required' }, issuer), { logger });
    endAfterwards(() => app.close());
    const token = await issuer.token({ aud: 'api', sub: 'alice' });
    expect((await app.get(TokenVerifier).verify(token)).claims).toMatchObject({ sub: 'alice' });
  });
});

describe('a microservice, which has no HTTP adapter either', () => {
  const start = async (options: Partial<AuthModuleOptions>): Promise<unknown> => {
    const transport = { transport: Transport.TCP, options: { port: await freePort() } } as const;
    const app = await NestFactory.createMicroservice(moduleWith(options, downIssuer), {
      ...transport,
      logger,
      abortOnError: false,
    });
    endAfterwards(() => app.close());
    return app.listen();
  };

  it('is audited', async () => {
    await start({ routeAudit: true });
    expect(ours()).toContain('warn: unguarded  pattern count  CatsController.count');
    await expect(start({ routeAudit: { strict: true } })).rejects.toThrow('no guard protects CatsController.count');
  });

  it('does not start without keys where they are required', async () => {
    await expect(start({ warmUp: 'required' })).rejects.toThrow("warmUp is 'required'");
  });
});
