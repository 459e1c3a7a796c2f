import type { HostileToken, HostileTools } from './hostile-tools.js';

const elsewhere = 'http://127.0.0.1:9/keys';

/** What a header can offer as the key to check it with; a verifier must take its keys from nowhere but its issuer. */
const offers: Readonly<Record<string, (tools: HostileTools) => object>> = {
  jwk: ({ strangerJwk }) => ({ jwk: strangerJwk }),
  jku: () => ({ jku: elsewhere }),
  x5c: ({ stranger }) => ({ x5c: [stranger.publicKeyPem?.replace(/-----[^-]+-----|\s/g, '')] }),
  x5u: () => ({ x5u: elsewhere }),
};

const offered: readonly HostileToken[] = Object.entries(offers).flatMap(([member, offer]): HostileToken[] => [
  {
    name: `a stranger's key offered by ${member}, under the issuer's kid`,
    why: `a verifier that takes the key out of "${member}" lets anybody in (CVE-2018-0114)`,
    reason: 'signature',
    make: (tools) => tools.forge(tools.header(offer(tools) as Record<string, unknown>), tools.claims()),
  },
  {
    name: `a stranger's key offered by ${member}, without a kid`,
    why: `no kid is no reason to look at "${member}"`,
    reason: 'signature',
    make: (tools) => tools.forge(tools.header({ kid: undefined, ...offer(tools) }), tools.claims()),
  },
  {
    name: `a stranger's key offered by ${member}, under a kid of its own`,
    why: 'an unknown kid stays unknown',
    reason: 'key',
    make: (tools) => tools.forge(tools.header({ kid: 'stranger', ...offer(tools) }), tools.claims()),
  },
]);

/** The issuer did sign, but the name of the key is not one of its. */
const unknownKids: readonly HostileToken[] = [
  'unknown',
  '',
  '../../../../etc/passwd',
  '/dev/null',
  "' OR 1=1 --",
  '__proto__',
  'constructor',
  'toString',
  'a'.repeat(2_000),
  'line\nbreak',
].map((kid) => ({
  name: `kid ${JSON.stringify(kid).slice(0, 40)}`,
  why: 'a kid is looked up by its exact name, and is never a path, a query or a member of some object',
  reason: 'key',
  make: (tools) => tools.sign(JSON.stringify(tools.header({ kid })), tools.claims()),
}));

const alteredKids: readonly HostileToken[] = [
  {
    name: 'kid in upper case',
    why: 'a kid is case-sensitive (RFC 7515 4.1.4)',
    reason: 'key',
    make: (tools) => tools.sign(tools.header({ kid: tools.key.kid.toUpperCase() }), tools.claims()),
  },
  {
    name: 'kid with a blank behind it',
    why: 'a kid is not trimmed',
    reason: 'key',
    make: (tools) => tools.sign(tools.header({ kid: `${tools.key.kid} ` }), tools.claims()),
  },
];

const kidsThatAreNoText: readonly HostileToken[] = [1, 0, true, null, {}, [], { toString: 'x' }].map((kid) => ({
  name: `kid ${JSON.stringify(kid)}`,
  why: 'RFC 7515 4.1.4: a text; anything else ends up as "[object Object]" or in a query',
  reason: 'malformed',
  make: (tools) => tools.sign(tools.header({ kid }), tools.claims()),
}));

const kidInAList: HostileToken = {
  name: 'kid in a list',
  why: 'a list of one text is a text to careless code',
  reason: 'malformed',
  make: (tools) => tools.sign(tools.header({ kid: [tools.key.kid] }), tools.claims()),
};

const algorithmsThatAreNoText: readonly HostileToken[] = [undefined, null, 256, true, {}, ['ES256']].map((alg) => ({
  name: `alg ${JSON.stringify(alg) ?? 'missing'}${Array.isArray(alg) ? ' in a list' : ''}`,
  why: 'RFC 7515 4.1.1: there has to be one, and it is a text',
  reason: 'malformed',
  make: (tools) => tools.sign(tools.header({ alg }), tools.claims()),
}));

/** RFC 7515 4.1.11: extensions that have to be understood. This package understands none. */
const critical: readonly HostileToken[] = [
  { crit: ['exp'] },
  { crit: ['b64'], b64: false },
  { crit: ['b64'], b64: true },
  { crit: ['urn:example:unknown'], 'urn:example:unknown': true },
  { crit: ['alg'] },
  { crit: [] },
  { crit: ['b64', 'b64'], b64: true },
  { crit: 'exp' },
  { crit: null },
  { crit: false },
  { crit: {} },
  { crit: [1] },
].map((members) => ({
  name: `header with ${JSON.stringify(members)}`,
  why: 'whoever passes over "crit" accepts a token whose meaning it does not know',
  reason: 'malformed',
  make: (tools) => tools.sign(tools.header(members), tools.claims()),
}));

/** Headers that want the verifier to use another key, or to do more than it can. */
export const offeredKeys: readonly HostileToken[] = [
  ...offered,
  ...unknownKids,
  ...alteredKids,
  ...kidsThatAreNoText,
  kidInAList,
  ...algorithmsThatAreNoText,
  ...critical,
];
