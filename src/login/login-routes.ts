import { ownRoutes, type OwnRoutes } from '../issuing/own-routes.controller.js';
import { LoginRequests } from './login-requests.js';

/** The routes of logins. */
export const loginRoutes: OwnRoutes = ownRoutes('LoginController', LoginRequests, [
  ['GET', 'login/:provider', 'startByLink'],
  ['POST', 'login/:provider', 'start'],
  ['GET', 'callback/:provider', 'callbackByLink'],
  ['POST', 'callback/:provider', 'callback'],
  ['POST', 'back-channel-logout/:provider', 'backChannelLogout'],
]);
