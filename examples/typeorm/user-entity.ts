import {
  Column,
  Entity,
  Index,
  JoinColumn,
  ManyToOne,
  OneToMany,
  PrimaryColumn,
  PrimaryGeneratedColumn,
} from 'typeorm';

/**
 * PostgreSQL stores neither U+0000 nor half of a surrogate pair, and clients may send both. JSON escapes them, together with
 * quotation marks, backslashes and control characters; all other texts are stored as they are.
 */
const anyText = {
  to: (text: string | null): string | null => (text === null ? null : JSON.stringify(text).slice(1, -1)),
  from: (stored: string | null): string | null => (stored === null ? null : (JSON.parse(`"${stored}"`) as string)),
};

const text = { type: 'text', transformer: anyText } as const;
const optionalText = { ...text, nullable: true } as const;
/** Compared byte by byte, whatever language the database is set to: for exact values, their order and their beginnings. */
const key = { ...text, collation: 'C' } as const;
const optionalKey = { ...key, nullable: true } as const;
const time = { type: 'timestamptz', precision: 3 } as const;

/** A person who uses the app. */
@Entity('users')
export class UserEntity {
  @PrimaryColumn({ type: 'uuid', name: 'user_id' })
  id!: string;

  @Column({ ...optionalText, name: 'mail' })
  email!: string | null;

  /** What is unique is the address in the form in which the package compares addresses. */
  @Index('users_mail', { unique: true })
  @Column({ ...optionalKey, name: 'mail_key' })
  emailKey!: string | null;

  @Column({ type: 'boolean', name: 'mail_confirmed' })
  emailVerified!: boolean;

  @Column({ ...optionalText, name: 'login' })
  username!: string | null;

  @Index('users_login', { unique: true })
  @Column({ ...optionalKey, name: 'login_key' })
  usernameKey!: string | null;

  @Column({ ...optionalText, name: 'full_name' })
  name!: string | null;

  @Index('users_full_name')
  @Column({ ...optionalKey, name: 'full_name_key' })
  nameKey!: string | null;

  @Column({ ...optionalText, name: 'first_name' })
  givenName!: string | null;

  @Column({ ...optionalText, name: 'last_name' })
  familyName!: string | null;

  @Column({ ...optionalText, name: 'photo_url' })
  pictureUrl!: string | null;

  @Column({ type: 'boolean', name: 'blocked' })
  isBlocked!: boolean;

  @Column({ type: 'boolean', name: 'guest' })
  isAnonymous!: boolean;

  /** Kept as a whole: which members there are is a matter of the package. Of the type `json`, which keeps any text. */
  @Column({ type: 'json', name: 'credentials' })
  credentials!: object;

  @Column({ type: 'json', name: 'settings' })
  customData!: object;

  @Column({ ...time, name: 'joined_at' })
  createdAt!: Date;

  @Column({ ...time, name: 'changed_at' })
  updatedAt!: Date;

  @Column({ ...time, name: 'seen_at', nullable: true })
  lastSignInAt!: Date | null;

  @OneToMany(
    () => MembershipEntity,
    ({ user }) => user,
  )
  memberships!: MembershipEntity[];
}

/** An account that a user has with a provider, and signs in with. */
@Entity('logins')
export class LoginEntity {
  @PrimaryColumn({ ...key, name: 'provider', primaryKeyConstraintName: 'logins_once' })
  provider!: string;

  @PrimaryColumn({ ...key, name: 'provider_user_id', primaryKeyConstraintName: 'logins_once' })
  subject!: string;

  @Index('logins_of_user')
  @Column({ type: 'uuid', name: 'user_id' })
  userId!: string;

  @Column({ ...optionalText, name: 'mail' })
  email!: string | null;

  @Column({ ...time, name: 'linked_at' })
  linkedAt!: Date;

  @ManyToOne(() => UserEntity, { onDelete: 'CASCADE' })
  @JoinColumn({ name: 'user_id' })
  user!: UserEntity;
}

/** A team of users. Its name is a role of its members. */
@Entity('teams')
export class TeamEntity {
  @PrimaryGeneratedColumn({ name: 'team_id' })
  id!: number;

  @Index('teams_name', { unique: true })
  @Column({ ...key, name: 'name' })
  name!: string;

  @Column({ ...optionalText, name: 'about' })
  description!: string | null;

  @Column({ type: 'json', name: 'settings' })
  customData!: object;

  @Column({ ...time, name: 'created_at' })
  createdAt!: Date;

  @Column({ ...time, name: 'changed_at' })
  updatedAt!: Date;

  @OneToMany(
    () => MembershipEntity,
    ({ team }) => team,
  )
  memberships!: MembershipEntity[];
}

@Entity('team_members')
export class MembershipEntity {
  @PrimaryColumn({ type: 'integer', name: 'team_id' })
  teamId!: number;

  @Index('teams_of_user')
  @PrimaryColumn({ type: 'uuid', name: 'user_id' })
  userId!: string;

  @ManyToOne(
    () => TeamEntity,
    ({ memberships }) => memberships,
    { onDelete: 'CASCADE' },
  )
  @JoinColumn({ name: 'team_id', foreignKeyConstraintName: 'members_team' })
  team!: TeamEntity;

  @ManyToOne(
    () => UserEntity,
    ({ memberships }) => memberships,
    { onDelete: 'CASCADE' },
  )
  @JoinColumn({ name: 'user_id', foreignKeyConstraintName: 'members_user' })
  user!: UserEntity;
}

export const entities = [UserEntity, LoginEntity, TeamEntity, MembershipEntity];
