export { SigningKeyStore, type SigningAlgorithm, type StoredSigningKey } from '../issuing/signing-key-store.js';
export { type PublicJwk, type SigningKeyName, SigningKeys, toPublicJwk } from '../issuing/signing-keys.js';
export { fromSessionCookie, ownTokens, type OwnTokensOptions } from './own-tokens.js';
export type { Page, PageOptions } from '../configuration/list-page.js';
export type { BodyTokenAnswer, CookieTokenAnswer, Session, SessionItem, TokenAnswer } from './session.js';
export type { CookieOptions } from './session-cookies.js';
export type { ListOptions } from './session-lifecycle.js';
export type {
  AccessTokenOptions,
  SessionLifetimeOptions,
  SessionOptionsFactory,
  SessionsModuleOptions,
  SubjectFinderClass,
} from './session-options.js';
export {
  type LoginReference,
  type NewSession,
  type RefreshReplacement,
  type SessionEnding,
  type SessionEndReason,
  type SessionLogin,
  type SessionQuery,
  type SessionRotation,
  SessionStore,
  type StoredSession,
  type TokenDelivery,
} from './session-store.js';
export type { PresentedUser, SessionSubject, SubjectFinder } from './session-subject.js';
export { SessionService } from './session.service.js';
export type { StartOptions } from './sign-in-details.js';
export { SessionsModule, type SessionsModuleAsyncOptions } from './sessions.module.js';
