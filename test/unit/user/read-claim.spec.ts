import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../src/token/json-object.js';
import {
  readBooleanClaim,
  readListClaim,
  readObjectClaim,
  readTextClaim,
  readWordsClaim,
} from '../../../src/user/claim-map.js';

const inherited = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'];

describe('a property that every object inherits', () => {
  it.each(inherited)('is not read as a claim: %s', (name) => {
    const claims: JsonObject = {};

    expect(readTextClaim(claims, name)).toBeNull();
    expect(readBooleanClaim(claims, name)).toBeNull();
    expect(readListClaim(claims, name)).toEqual([]);
    expect(readWordsClaim(claims, name)).toEqual([]);
    expect(readObjectClaim(claims, name)).toBeNull();
  });

  it.each(inherited)('is read when the token contains it: %s', (name) => {
    const claims = JSON.parse(`{"${name}":{"roles":["a"]}}`) as JsonObject;

    expect(readObjectClaim(claims, name)).toEqual({ roles: ['a'] });
  });
});
