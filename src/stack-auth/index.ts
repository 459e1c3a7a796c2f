export type { Page, PageOptions } from '../configuration/list-page.js';
export type { StackAuthTokens } from '../issuers/stack-auth/stack-auth-session-api.js';
export { fromSessionCookie } from '../sessions/own-tokens.js';
export type { BodyTokenAnswer, CookieTokenAnswer, TokenAnswer } from '../sessions/session.js';
export type { CookieOptions } from '../sessions/session-cookies.js';
export type { TokenDelivery } from '../sessions/session-store.js';
export type { StackAuthLinks, StackAuthModuleOptions, StackAuthOptionsFactory } from './stack-auth-options.js';
export {
  type CreateSessionOptions,
  type SignOutTokens,
  type StackAuthSessionItem,
  StackAuthSessions,
} from './stack-auth-sessions.service.js';
export { type OAuthUrlOptions, type PasskeyOptions, StackAuthSignIn } from './stack-auth-sign-in.service.js';
export { StackAuthModule, type StackAuthModuleAsyncOptions } from './stack-auth.module.js';
