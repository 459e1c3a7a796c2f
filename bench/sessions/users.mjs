// The users of the apps in this folder, and what is put into their tokens.

export const publicUrl = 'https://api.example';
export const lifetimeSeconds = 600;
export const idleMs = 14 * 86_400_000;
export const absoluteMs = 90 * 86_400_000;
export const graceMs = 10_000;

/** An app of its own reads a table here; both apps find the users in memory, so that this is no part of the comparison. */
export function findSubject(id) {
  return {
    id,
    email: `${id}@mail.example`,
    emailVerified: true,
    name: `User ${id}`,
    roles: ['member', 'editor'],
    scopes: ['orders:read', 'orders:write'],
  };
}
