import { type OwnRoutes, ownRoutes } from '../issuing/own-routes.controller.js';
import { EmailRequests } from './email-requests.js';
import { MailSignInRequests } from './mail-sign-in-requests.js';
import { OwnAccountRequests } from './own-account-requests.js';
import { PasskeyRequests } from './passkey-requests.js';
import { SecondFactorRequests } from './second-factor-requests.js';
import { SignInRequests } from './sign-in-requests.js';

/** The routes of `AccountsModule`. */
export const accountRoutes: readonly OwnRoutes[] = [
  ownRoutes('AccountsController', SignInRequests, [
    ['POST', 'sign-up', 'signUp'],
    ['POST', 'sign-in', 'signIn'],
    ['POST', 'anonymous', 'anonymous'],
  ]),
  ownRoutes('EmailController', EmailRequests, [
    ['POST', 'email/send-verification', 'sendVerification', 202],
    ['POST', 'email/verify', 'verify'],
    ['POST', 'email/change', 'change', 202],
  ]),
  ownRoutes('MailSignInController', MailSignInRequests, [
    ['POST', 'password/forgot', 'forgotPassword', 202],
    ['POST', 'password/reset', 'resetPassword', 204],
    ['POST', 'magic-link', 'magicLink', 202],
    ['POST', 'magic-link/confirm', 'confirmMagicLink'],
  ]),
  ownRoutes('SecondFactorController', SecondFactorRequests, [
    ['POST', 'sign-in/totp', 'signIn'],
    ['POST', 'totp/registration', 'register'],
    ['POST', 'totp', 'confirm'],
    ['DELETE', 'totp', 'remove', 204],
  ]),
  ownRoutes('OwnAccountController', OwnAccountRequests, [
    ['POST', 'password/change', 'changePassword', 204],
    ['PATCH', 'me', 'update'],
    ['DELETE', 'me', 'delete', 204],
    ['GET', 'identities', 'listIdentities'],
    ['DELETE', 'identities/:provider', 'unlinkIdentity', 204],
  ]),
  ownRoutes('PasskeyController', PasskeyRequests, [
    ['POST', 'passkeys/registration-options', 'registrationOptions'],
    ['POST', 'passkeys', 'register'],
    ['GET', 'passkeys', 'list'],
    ['DELETE', 'passkeys/:id', 'remove', 204],
    ['POST', 'passkeys/sign-in-options', 'signInOptions'],
    ['POST', 'passkeys/sign-in', 'signIn'],
  ]),
];
