/** A call that did not come over a transport the guard knows is refused, and the log says which line is missing. */
import { Controller, ForbiddenException, Get, UseGuards } from '@nestjs/common';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { AuthGuard, AuthModule, ConfigurationError, oidc, OptionalAuth, Public } from 'nest-gatehouse';
import { describe, expect, it } from 'vitest';
import { platforms, startApp } from '../support/app.js';
import { LogLines } from '../support/log-lines.js';

@UseGuards(AuthGuard)
@Controller()
class QueueController {
  @Get('required')
  required(): void {}

  @OptionalAuth()
  @Get('optional')
  optional(): void {}

  @Public()
  @Get('public')
  public(): void {}
}

describe.each(platforms)('a context of an unknown transport on $name', (platform) => {
  it.each([
    [
      'ws',
      "transports: [webSockets()] to the options of AuthModule; import { webSockets } from 'nest-gatehouse/websockets'",
    ],
    [
      'rpc',
      "transports: [microservices()] to the options of AuthModule; import { microservices } from 'nest-gatehouse/microservices'",
    ],
    [
      'telegram',
      "Known contexts: http, graphql. If these handlers need no user, add unguardedContexts: ['telegram'] to the options of " +
        'AuthModule, or @Public() to a handler; otherwise use another guard for these handlers, or register a transport of your own',
    ],
  ])(
    'is refused, with every decorator but @Public() in a context of another library, and logged once with the fix: %s',
    async (type, fix) => {
      const logger = new LogLines();
      const app = await startApp(platform, {
        logger,
        imports: [
          AuthModule.forRoot({
            issuers: oidc({ issuer: 'http://127.0.0.1:9', audience: 'api' }),
            guardEverything: true,
          }),
        ],
        controllers: [QueueController],
      });
      const guard = app.nest.get(AuthGuard, { strict: false });
      const { required, optional, public: open } = QueueController.prototype;
      const refused = type === 'telegram' ? [required, optional, required] : [required, optional, open, required];
      for (const handler of refused) {
        const context = new ExecutionContextHost([{ user: { id: 'self-made' } }], QueueController, handler);
        context.setType(type);
        const error: unknown = await Promise.resolve()
          .then(() => guard.canActivate(context))
          .catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(ForbiddenException);
        expect((error as ForbiddenException).cause).toBeInstanceOf(ConfigurationError);
        expect(String((error as ForbiddenException).cause)).toContain(`"${type}"`);
      }
      const lines = logger.ours();
      expect(lines.map(({ level }) => level)).toEqual(['error']);
      expect(lines[0]?.text).toContain(`"${type}"`);
      expect(lines[0]?.text).toContain(fix);
    },
  );
});
