/** All kinds of profile providers. */
import { openIdStand } from './openid-stand.js';
import { ownStand } from './own-stand.js';
import type { ProfileStand } from './profile-stand.js';
import { propelAuthStand } from './propel-auth-stand.js';
import { stackAsClient, stackAsServer } from './stack-auth-stands.js';

export const profileStands: readonly ProfileStand[] = [
  ...(['2.8.86', '2.8.37'] as const).flatMap((version) => [stackAsServer(version), stackAsClient(version)]),
  propelAuthStand(),
  openIdStand(),
  ownStand(),
];
