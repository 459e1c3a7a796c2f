/** An app with sessions on PostgreSQL in a process of its own, which the test kills. It is bundled, and started by `KilledApp`. */
import { Body, Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { AuthModule, Public } from 'nest-gatehouse';
import { ownTokens, SessionService, SessionsModule } from 'nest-gatehouse/sessions';
import { postgres, type PostgresClient, type PostgresStatement, SqlStoresModule } from 'nest-gatehouse/sql';
import { Pool } from 'pg';

/** When the process kills itself: as a refresh is about to be written, when it is written, or never. */
type Moment = 'before the write' | 'after the write' | 'never';

const { PLATFORM, DATABASE_URL, SCHEMA, ENCRYPTION_KEY } = process.env;
let moment: Moment = 'never';

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('It lives on');
}

/** Sees the statement that replaces a refresh token. */
class WatchedPool {
  private readonly pool = new Pool({ connectionString: DATABASE_URL, max: 5 });

  async connect(): Promise<PostgresClient> {
    const client = await this.pool.connect();
    const query = client.query.bind(client) as PostgresClient['query'];
    const watched = async (statement: PostgresStatement): Promise<{ readonly rows: readonly unknown[] }> => {
      const replaces = typeof statement === 'object' && statement.text.includes('generation = generation + 1');
      if (replaces && moment === 'before the write') die();
      const result = await query(statement);
      if (replaces && moment === 'after the write') die();
      return result;
    };
    return new Proxy(client, {
      get: (target, name) => {
        if (name === 'query') return watched;
        const value = Reflect.get(target, name) as unknown;
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }
}

@Controller()
class SignInController {
  constructor(@Inject(SessionService) private readonly sessions: SessionService) {}

  @Public()
  @Post('sign-in')
  async signIn(
    @Body() { userId }: { readonly userId: string },
    @Req() request: object,
    @Res({ passthrough: true }) response: object,
  ): Promise<object> {
    return this.sessions.deliver(await this.sessions.start(userId, { request }), request, response);
  }
}

class RootModule {}

async function start(): Promise<void> {
  const nest = await NestFactory.create(
    {
      module: RootModule,
      imports: [
        AuthModule.forRoot({ issuers: ownTokens(), publicUrl: 'http://localhost:3000' }),
        SessionsModule.forRoot({ findSubject: (id) => ({ id }), delivery: ['body'], session: { graceSeconds: 300 } }),
        SqlStoresModule.forRoot({
          database: postgres(new WatchedPool()),
          schema: SCHEMA ?? '',
          encryptionKey: ENCRYPTION_KEY ?? '',
        }),
      ],
      controllers: [SignInController],
    },
    PLATFORM === 'Fastify' ? new FastifyAdapter() : new ExpressAdapter(),
    { logger: false },
  );
  await nest.listen(0, '127.0.0.1');
  process.on('message', (message) => {
    moment = message as Moment;
    process.send?.('understood');
  });
  process.send?.(await nest.getUrl());
}

void start();
