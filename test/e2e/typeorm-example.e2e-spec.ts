/** The example app whose accounts and groups are its own entities of TypeORM, on both platforms. */
import { AccountService, GroupService } from 'nest-gatehouse/accounts';
import { afterAll, expect } from 'vitest';
import { AppModule } from '../../examples/typeorm/app.module.js';
import { platforms, startApp } from '../support/app.js';
import { codeOf, email, password } from '../support/account-app.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import { dropSchema, newSchemaName, postgresUrl, runSql } from '../support/postgres.js';
import { publicUrl, SessionClient } from '../support/session-app.js';
import { describe, onPostgres } from '../support/store-runner.js';

const encryptionKey = Buffer.alloc(32, 'a key of the tests').toString('base64');
const schemas: string[] = [];

function newSchema(): string {
  const schema = newSchemaName();
  schemas.push(schema);
  return schema;
}

afterAll(async () => {
  for (const schema of schemas) await dropSchema(schema);
});

async function start(platform: (typeof platforms)[number], databaseUrl = postgresUrl) {
  const [schema, packageSchema] = [newSchema(), newSchema()];
  await runSql(`create schema "${schema}"`);
  const app = await startApp(platform, {
    imports: [AppModule.with({ databaseUrl, schema, packageSchema, publicUrl, encryptionKey })],
  });
  const client = new SessionClient(app, 'body');
  const post = (path: string, json: object) => client.post(path, json, [['X-Token-Delivery', 'body']]);
  return { app, schema, packageSchema, client, post };
}

describe.each(platforms)('the example app on TypeORM, on $name', (platform) => {
  onPostgres.it('signs users up and in, who are in the tables of the app and nowhere else', async () => {
    const { app, schema, packageSchema, client, post } = await start(platform);
    const signedUp = await post('/auth/sign-up', { email: 'Ada@Example.com', password, name: 'Ada' });
    expect(signedUp.json).toMatchObject({ token_type: 'Bearer', is_new_user: true });
    const { id } = (signedUp.json as { user: { id: string } }).user;
    expect((await client.call('/profile')).json).toEqual({ id, roles: [] });
    const again = await post('/auth/sign-up', { email, password });
    expect([again.status, codeOf(again.json)]).toEqual([409, 'EMAIL_TAKEN']);
    const wrong = await post('/auth/sign-in', { email, password: 'wrong horse battery' });
    expect([wrong.status, codeOf(wrong.json)]).toEqual([401, 'INVALID_CREDENTIALS']);
    expect((await post('/auth/sign-in', { email, password })).json).toMatchObject({ user: { id, name: 'Ada' } });
    const users = await runSql(
      `select user_id, mail, mail_key, blocked, seen_at is not null as seen from ${schema}.users`,
    );
    expect(users).toEqual([{ user_id: id, mail: 'Ada@Example.com', mail_key: email, blocked: false, seen: true }]);
    expect(await runSql(`select * from ${packageSchema}.accounts`)).toEqual([]);
    expect(await runSql(`select user_id from ${packageSchema}.sessions limit 1`)).toEqual([{ user_id: id }]);
    await app.nest.close();
  });

  onPostgres.it('has the teams of a user as roles, whoever wrote them', async () => {
    const { app, schema, client, post } = await start(platform);
    const [accounts, groups] = [app.nest.get(AccountService), app.nest.get(GroupService)];
    const { id } = await accounts.create({ email, password, name: 'Ada' });
    for (const name of ['staff', 'finance']) await groups.create({ name });
    await post('/auth/sign-in', { email, password });
    const refused = await client.call('/newest');
    expect([refused.status, codeOf(refused.json)]).toEqual([403, 'ACCESS_DENIED']);
    await groups.addMember('staff', id);
    await runSql(
      `insert into ${schema}.team_members select team_id, '${id}' from ${schema}.teams where name = 'finance'`,
    );
    await client.refresh();
    expect((await client.call('/newest')).json).toMatchObject([{ id, name: 'Ada' }]);
    expect((await client.call('/profile')).json).toEqual({ id, roles: ['finance', 'staff'] });
    const [member] = (await groups.listMembers('staff')).items;
    expect(member?.groups).toEqual(['finance', 'staff']);
    await groups.delete('staff');
    await client.refresh();
    expect((await client.call('/newest')).status).toBe(403);
  });

  onPostgres.it('ends the sign-ins of a user whom the app blocks in its own table', async () => {
    const { app, schema, client, post } = await start(platform);
    await app.nest.get(AccountService).create({ email, password });
    await post('/auth/sign-in', { email, password });
    await runSql(`update ${schema}.users set blocked = true`);
    const refreshed = await client.refresh();
    expect([refreshed.status, codeOf(refreshed.json)]).toEqual([401, 'INVALID_TOKEN']);
    expect((await post('/auth/sign-in', { email, password })).status).toBe(401);
  });

  onPostgres.it('answers with 503 while the database is down, and is there again after it', async () => {
    const proxy = await DatabaseProxy.start();
    await proxy.forward();
    const { app, post } = await start(platform, proxy.url);
    await app.nest.get(AccountService).create({ email, password });
    await proxy.refuse();
    const during = await post('/auth/sign-in', { email, password });
    expect([during.status, codeOf(during.json)]).toEqual([503, 'SERVER_ERROR']);
    expect(during.headers['retry-after']).toMatch(/^\d+$/);
    await proxy.forward();
    expect((await post('/auth/sign-in', { email, password })).status).toBe(200);
    await app.nest.close();
    await proxy.refuse();
  });
});
