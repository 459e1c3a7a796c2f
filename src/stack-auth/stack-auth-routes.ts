import { type OwnRoutes, ownRoutes } from '../issuing/own-routes.controller.js';
import { StackAuthLoginRequests } from './stack-auth-login-requests.js';
import { StackAuthRequests } from './stack-auth-requests.js';

/** The routes of logins by other providers. */
export const loginRoutes: OwnRoutes = ownRoutes('StackAuthLoginController', StackAuthLoginRequests, [
  ['GET', 'login/:provider', 'start'],
  ['GET', 'callback/:provider', 'callback'],
]);

/** The routes of `StackAuthModule`. */
export const stackAuthRoutes: readonly OwnRoutes[] = [
  ownRoutes('StackAuthController', StackAuthRequests, [
    ['POST', 'sign-in', 'signIn'],
    ['POST', 'sign-in/totp', 'confirmTotp'],
    ['POST', 'sign-up', 'signUp'],
    ['POST', 'anonymous', 'anonymous'],
    ['POST', 'magic-link', 'magicLink', 202],
    ['POST', 'magic-link/confirm', 'confirmMagicLink'],
    ['POST', 'refresh', 'refresh'],
    ['POST', 'sign-out', 'signOut', 204],
  ]),
  loginRoutes,
];
