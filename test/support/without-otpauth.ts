import { createRequire } from 'node:module';

/** Loads as an app does in whose directory nothing is installed. */
const nowhere = createRequire('/nowhere/app.js') as unknown as (name: string) => never;

/** Loads `otpauth` in an app that has not installed it. */
export const withoutOtpauth = async (): Promise<never> => nowhere('otpauth');
