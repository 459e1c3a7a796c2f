import { ownRoutes } from '../issuing/own-routes.controller.js';
import { SessionRequests } from './session-requests.js';

/** The routes of `SessionsModule`. */
export const sessionRoutes = ownRoutes('SessionsController', SessionRequests, [
  ['POST', 'refresh', 'refresh'],
  ['POST', 'sign-out', 'signOut', 204],
  ['POST', 'sign-out-everywhere', 'signOutEverywhere', 204],
  ['GET', 'sessions', 'list'],
  ['DELETE', 'sessions/:id', 'end', 204],
  ['GET', 'me', 'me'],
]);
