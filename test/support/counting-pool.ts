import type { PostgresClient, PostgresStatement } from 'nest-gatehouse/sql';
import { Pool } from 'pg';
import { postgresUrl } from './postgres.js';

/** A pool of the app's own, which keeps the statements that it was given. */
export class CountingPool {
  /** Whether the database refuses every write, as a replica does. */
  isReadOnly = false;
  private texts: string[] = [];
  private readonly pool = new Pool({ connectionString: postgresUrl });

  async connect(): Promise<PostgresClient> {
    const client = await this.pool.connect();
    await client.query(`set default_transaction_read_only = ${this.isReadOnly ? 'on' : 'off'}`);
    const keep = (text: string): unknown => this.texts.push(text);
    return new Proxy(client, {
      get: (target, name) => {
        const value = Reflect.get(target, name) as unknown;
        if (typeof value !== 'function') return value;
        const call = value.bind(target) as (...given: unknown[]) => unknown;
        if (name !== 'query') return call;
        return (statement: PostgresStatement | string): unknown => {
          keep(typeof statement === 'string' ? statement : statement.text);
          return call(statement);
        };
      },
    });
  }

  /** The first word of each statement since the last time. */
  take(): string[] {
    return this.texts.splice(0).map((text) => text.trim().split(/\s/)[0]?.toLowerCase() ?? '');
  }

  end(): Promise<void> {
    return this.pool.end();
  }
}
