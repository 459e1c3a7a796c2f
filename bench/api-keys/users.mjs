// What the apps of this folder have in common: their address, their keys and the users of these.

export const publicUrl = 'https://api.example';
export const prefix = 'bench';
export const scopes = ['orders:read', 'orders:write'];
export const roles = ['editor'];
export const lifetimeSeconds = 600;

/** All apps find the users in memory, so that the table of users of an app is no part of the comparison. */
export function findSubject(id) {
  return { id, email: `${id}@mail.example`, name: `User ${id}`, roles: ['member', ...roles] };
}
