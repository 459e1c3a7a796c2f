import { createRequire } from 'node:module';
import type { PasswordHasherOptions } from '../../src/accounts/password-hasher.js';

/** Loads as an app does in whose directory nothing is installed. */
const nowhere = createRequire('/nowhere/app.js') as unknown as (name: string) => never;

/** The packages of an app that has installed none of those that hash passwords. */
export const withoutPackages: NonNullable<PasswordHasherOptions['packages']> = {
  argon2: async () => nowhere('@node-rs/argon2'),
  bcrypt: async () => nowhere('@node-rs/bcrypt'),
};
