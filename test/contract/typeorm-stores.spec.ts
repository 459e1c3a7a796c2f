/** The contracts of stores of accounts and groups, run by the stores that the example app has on TypeORM. */
import { describeAccountStore, describeGroupStore } from 'nest-gatehouse/testing';
import { openSource } from '../../examples/typeorm/people.module.js';
import { TypeOrmAccountStore } from '../../examples/typeorm/typeorm-account-store.js';
import { TypeOrmGroupStore } from '../../examples/typeorm/typeorm-group-store.js';
import { dropSchema, newSchemaName, postgresUrl, runSql } from '../support/postgres.js';
import { onPostgres } from '../support/store-runner.js';

async function open() {
  const schema = newSchemaName();
  await runSql(`create schema "${schema}"`);
  const source = await openSource(postgresUrl, schema);
  const close = async (): Promise<void> => {
    await source.destroy();
    await dropSchema(schema);
  };
  return { accounts: new TypeOrmAccountStore(source), groups: new TypeOrmGroupStore(source), close };
}

describeAccountStore(
  'on TypeORM',
  async () => {
    const { accounts: store, close } = await open();
    return { store, close };
  },
  onPostgres,
);

describeGroupStore(
  'on TypeORM',
  async () => {
    const { groups: store, accounts, close } = await open();
    return { store, accounts, close };
  },
  onPostgres,
);
