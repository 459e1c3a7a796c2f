/** One step from empty to current tables. A published one never changes: what comes later is a further step. */
interface Migration {
  readonly name: string;
  /** @param schema quoted, with the dot: what stands before each name */
  readonly statements: (schema: string) => readonly string[];
}

const sessions = (schema: string): string => `create table ${schema}sessions (
  id uuid primary key,
  user_id text not null,
  seed bytea not null,
  generation integer not null default 0,
  replacements jsonb not null default '[]',
  created_at timestamptz not null,
  auth_time timestamptz not null,
  amr jsonb not null,
  delivery text,
  remember boolean not null,
  user_agent text,
  ip_address text,
  last_used_at timestamptz not null,
  idle_expires_at timestamptz not null,
  absolute_expires_at timestamptz not null,
  remove_after timestamptz not null,
  ended_at timestamptz,
  end_reason text
) with (fillfactor = 80)`;

const signingKeys = (schema: string): string => `create table ${schema}signing_keys (
  kid text primary key,
  sequence integer not null unique,
  algorithm text not null,
  public_jwk text not null,
  sealed_private_key bytea not null,
  created_at timestamptz not null,
  signs_from timestamptz not null
)`;

const revocations = (schema: string): string => `create table ${schema}revocations (
  key bytea primary key,
  kind text not null,
  issuer text not null,
  value text not null,
  issued_until timestamptz,
  expires_at timestamptz not null,
  xid xid8 not null,
  seq bigint generated always as identity
)`;

const apiKeys = (schema: string): string => `create table ${schema}api_keys (
  id text collate "C" primary key,
  user_id text not null,
  name text,
  scopes text not null,
  roles text not null,
  enabled boolean not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz,
  hash bytea not null,
  hash_version integer not null,
  previous_hash bytea,
  previous_valid_until timestamptz
) with (fillfactor = 90)`;

const accounts = (schema: string): string => `create table ${schema}accounts (
  id uuid primary key,
  email text,
  email_key text collate "C",
  email_verified boolean not null,
  username text,
  username_key text collate "C",
  name text,
  name_key text collate "C",
  given_name text,
  family_name text,
  picture_url text,
  status text not null,
  is_anonymous boolean not null,
  credentials text not null,
  custom_data text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  last_sign_in_at timestamptz
) with (fillfactor = 90)`;

const identities = (schema: string): string => `create table ${schema}identities (
  provider text collate "C" not null,
  subject text collate "C" not null,
  account_id uuid not null references ${schema}accounts on delete cascade,
  email text,
  linked_at timestamptz not null,
  constraint identities_pkey primary key (provider, subject)
)`;

const groups = (schema: string): string => `create table ${schema}groups (
  id bigint generated always as identity primary key,
  name text collate "C" not null,
  description text,
  custom_data text not null,
  created_at timestamptz not null,
  updated_at timestamptz not null
)`;

const groupMembers = (schema: string): string => `create table ${schema}group_members (
  group_id bigint not null references ${schema}groups on delete cascade,
  account_id uuid not null references ${schema}accounts on delete cascade,
  primary key (group_id, account_id)
)`;

const oneTimeCodes = (schema: string): string => `create table ${schema}one_time_codes (
  id uuid primary key,
  purpose text collate "C" not null,
  subject text collate "C" not null,
  account_id text collate "C",
  link_hash bytea,
  typed_hash bytea,
  typed_expires_at timestamptz,
  tries integer not null default 0,
  payload text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null
)`;

const attempts = (schema: string): string => `create table ${schema}attempts (
  key text collate "C" primary key,
  times int8[] not null,
  expires_at timestamptz not null
) with (fillfactor = 70)`;

const signInNetworks = (schema: string): string => `create table ${schema}sign_in_networks (
  login text collate "C" not null,
  network text collate "C" not null,
  expires_at timestamptz not null,
  primary key (login, network)
)`;

const passkeys = (schema: string): string => `create table ${schema}passkeys (
  credential_id text collate "C" primary key,
  account_id text collate "C" not null,
  public_key bytea not null,
  counter bigint not null,
  transports text not null,
  device_type text not null,
  backed_up boolean not null,
  aaguid text not null,
  name text not null,
  created_at timestamptz not null,
  last_used_at timestamptz
) with (fillfactor = 90)`;

const providerTokens = (schema: string): string => `create table ${schema}provider_tokens (
  user_id text collate "C" not null,
  provider text collate "C" not null,
  sealed bytea not null,
  version bigint not null generated always as identity,
  updated_at timestamptz not null,
  claimed_until timestamptz,
  primary key (user_id, provider)
) with (fillfactor = 90)`;

/** In their order; the version of each is its position, from 1. */
export const migrations: readonly Migration[] = [
  {
    name: 'sessions, signing keys and revocations',
    statements: (schema) => [
      sessions(schema),
      // A rotation changes no column of an index, so its new row version stays on the page (a HOT update).
      `create index sessions_of_user on ${schema}sessions (user_id, id) where ended_at is null`,
      `create index sessions_remove_after on ${schema}sessions (remove_after)`,
      signingKeys(schema),
      revocations(schema),
      `create index revocations_in_order on ${schema}revocations (xid, seq)`,
      `create index revocations_expires_at on ${schema}revocations (expires_at)`,
    ],
  },
  {
    name: 'API keys',
    // The time of the last use is in no index, so that it can be written without touching any (a HOT update).
    statements: (schema) => [
      apiKeys(schema),
      `create index api_keys_of_user on ${schema}api_keys (user_id, created_at, id)`,
    ],
  },
  {
    name: 'accounts and groups',
    statements: (schema) => [
      accounts(schema),
      // These three are also what a search for the beginning of a text uses.
      `create unique index accounts_email on ${schema}accounts (email_key)`,
      `create unique index accounts_username on ${schema}accounts (username_key)`,
      `create index accounts_name on ${schema}accounts (name_key)`,
      identities(schema),
      `create index identities_of_account on ${schema}identities (account_id)`,
      groups(schema),
      `create unique index groups_name on ${schema}groups (name)`,
      groupMembers(schema),
      `create index groups_of_account on ${schema}group_members (account_id)`,
    ],
  },
  {
    name: 'one-time codes and counts of failures',
    statements: (schema) => [
      oneTimeCodes(schema),
      `create unique index one_time_codes_subject on ${schema}one_time_codes (subject, purpose)`,
      `create unique index one_time_codes_link on ${schema}one_time_codes (link_hash)`,
      `create index one_time_codes_of_account on ${schema}one_time_codes (account_id) where account_id is not null`,
      `create index one_time_codes_expires_at on ${schema}one_time_codes (expires_at)`,
      attempts(schema),
      `create index attempts_expires_at on ${schema}attempts (expires_at)`,
      signInNetworks(schema),
      `create index sign_in_networks_expires_at on ${schema}sign_in_networks (expires_at)`,
    ],
  },
  {
    name: 'passkeys',
    // Their account may be in a store of the app's own, so they do not refer to the table of accounts.
    statements: (schema) => [
      passkeys(schema),
      `create index passkeys_of_account on ${schema}passkeys (account_id, created_at)`,
    ],
  },
  {
    name: 'all sessions of a user',
    // Those that have ended are deleted with their user. The time of the last use is in no index, as before.
    statements: (schema) => [
      `drop index ${schema}sessions_of_user`,
      `create index sessions_of_user on ${schema}sessions (user_id, id)`,
    ],
  },
  {
    name: 'logins of sessions',
    // Hash indexes, because the texts of a provider may be longer than an entry of a btree. Sessions without a login are in none of them, and
    // an ending writes none, as before.
    statements: (schema) => [
      `alter table ${schema}sessions add column login_provider text collate "C", add column login_subject text collate "C",
        add column login_session_id text collate "C"`,
      `create index sessions_login_subject on ${schema}sessions using hash (login_subject) where login_subject is not null`,
      `create index sessions_login_session on ${schema}sessions using hash (login_session_id)
        where login_session_id is not null`,
    ],
  },
  {
    name: 'tokens of providers',
    // Nothing but the primary key is in an index, so that a refresh writes none (a HOT update).
    statements: (schema) => [providerTokens(schema)],
  },
];
