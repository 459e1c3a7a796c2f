/** Decodes a token without verification, for display only. */
export function readToken(token) {
  const [header, payload] = token.split('.').slice(0, 2).map(fromBase64url);
  return { header: JSON.parse(header), claims: JSON.parse(payload) };
}

/** Changes the role to root and keeps the signature, which no longer verifies. */
export function tamperWith(token) {
  const [header, payload, signature] = token.split('.');
  const claims = { ...JSON.parse(fromBase64url(payload)), sub: 'root', roles: ['root'] };
  return [header, toBase64url(new TextEncoder().encode(JSON.stringify(claims))), signature].join('.');
}

export function toBase64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
}

function fromBase64url(text) {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return new TextDecoder().decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)));
}
