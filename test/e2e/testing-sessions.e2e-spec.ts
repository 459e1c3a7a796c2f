/** What docs/guides/sessions.md says about tests of an app: the stores in memory in the place of its database. */
import { randomBytes } from 'node:crypto';
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { AuthGuard, AuthModule, CurrentUser } from 'nest-gatehouse';
import { ownTokens, SessionService, SessionsModule } from 'nest-gatehouse/sessions';
import { postgres, SqlStoresModule } from 'nest-gatehouse/sql';
import { memoryStores } from 'nest-gatehouse/testing';
import { expect, it } from 'vitest';
import { RunningApp } from '../support/app.js';

// Nothing listens there: the module is not opened.
const database = postgres('postgres://nobody@127.0.0.1:1/none');

@Module({ imports: [SqlStoresModule.forRoot({ database, encryptionKey: randomBytes(32).toString('base64') })] })
class DatabaseModule {}

@UseGuards(AuthGuard)
@Controller()
class AppController {
  @Get('profile')
  profile(@CurrentUser('id') id: string): object {
    return { id };
  }
}

@Module({
  imports: [
    AuthModule.forRoot({ issuers: ownTokens(), publicUrl: 'http://localhost:3000' }),
    SessionsModule.forRoot({ findSubject: (id) => ({ id }) }),
    DatabaseModule,
  ],
  controllers: [AppController],
})
class AppModule {}

it('an app whose module of the database is replaced by memoryStores() begins sessions without a database', async () => {
  const testing = await Test.createTestingModule({ imports: [AppModule] })
    .overrideModule(DatabaseModule)
    .useModule(memoryStores())
    .compile();
  const app = await RunningApp.listen(testing.createNestApplication());
  const { accessToken } = await app.nest.get(SessionService).start('7');
  expect((await app.call('/profile', { token: accessToken })).json).toEqual({ id: '7' });
  expect((await app.call('/profile')).status).toBe(401);
});
