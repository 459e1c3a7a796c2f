import { type SigningAlgorithm, SigningKeyStore, type StoredSigningKey } from '../issuing/signing-key-store.js';
import { epochMs, hex, readBytes, readDate, readNumber, readText } from './row-values.js';
import type { SqlRow } from './sql-database.js';
import type { StoreDatabase } from './store-database.js';

const columns = [
  'kid',
  'sequence',
  'algorithm',
  'public_jwk',
  hex('sealed_private_key'),
  epochMs('created_at'),
  epochMs('signs_from'),
].join(', ');

/** Signing keys in PostgreSQL. */
export class SqlSigningKeyStore extends SigningKeyStore {
  private readonly table: string;

  constructor(private readonly database: StoreDatabase) {
    super();
    this.table = `${database.qualifier}signing_keys`;
  }

  override async list(): Promise<readonly StoredSigningKey[]> {
    const rows = await this.database.query(`select ${columns} from ${this.table} order by sequence`);
    return rows.map(toSigningKey);
  }

  override async add(key: StoredSigningKey): Promise<boolean> {
    const rows = await this.database.query(
      `insert into ${this.table} (kid, sequence, algorithm, public_jwk, sealed_private_key, created_at, signs_from)
      values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning kid`,
      [key.kid, key.sequence, key.algorithm, key.publicJwk, key.sealedPrivateKey, key.createdAt, key.signsFrom],
    );
    return rows.length > 0;
  }

  override async remove(kids: readonly string[]): Promise<void> {
    if (kids.length === 0) return;
    await this.database.query(`delete from ${this.table} where kid in (select jsonb_array_elements_text($1::jsonb))`, [
      JSON.stringify(kids),
    ]);
  }
}

function toSigningKey(row: SqlRow): StoredSigningKey {
  return {
    kid: readText(row, 'kid'),
    sequence: readNumber(row, 'sequence'),
    algorithm: readText(row, 'algorithm') as SigningAlgorithm,
    publicJwk: readText(row, 'public_jwk'),
    sealedPrivateKey: readBytes(row, 'sealed_private_key'),
    createdAt: readDate(row, 'created_at'),
    signsFrom: readDate(row, 'signs_from'),
  };
}
