import 'reflect-metadata';
import {
  Equals,
  IsArray,
  IsIn,
  IsOptional,
  IsString,
  MinLength,
  Validate,
  ValidateIf,
  ValidatorConstraint,
  type ValidatorConstraintInterface,
} from 'class-validator';
import { describe, expect, it } from 'vitest';
import { type ClaimsClass, createClaimsCheck } from '../../../src/token/claims-class.js';
import type { JsonObject } from '../../../src/token/json-object.js';
import { configurationErrorOf, errorOf, outcomeOf } from '../../support/outcome.js';

class TenantClaims {
  @IsIn(['acme'])
  tenant!: string;
}

class StrictClaims extends TenantClaims {
  @IsString()
  @MinLength(3, { message: 'the plan $value is too short' })
  plan!: string;

  @IsOptional()
  @IsArray()
  groups?: string[];
}

/** Simulates a database look-up, which answers in a later turn of the event loop. */
@ValidatorConstraint({ async: true })
class IsKnownTenant implements ValidatorConstraintInterface {
  async validate(value: unknown): Promise<boolean> {
    await new Promise((resolve) => setImmediate(resolve));
    return value === 'acme';
  }
}

class AsyncClaims {
  @Validate(IsKnownTenant)
  tenant!: string;
}

class OwnMessageClaims {
  @Equals('secret-of-the-app', { message: ({ value }) => `got ${String(value)}` })
  code!: string;
}

class MethodClaims {
  @ValidateIf((claims: MethodClaims) => claims.isAdmin())
  @IsIn(['acme'])
  tenant!: string;

  isAdmin(): boolean {
    return true;
  }
}

function check(claimsClass: ClaimsClass, claims: JsonObject): Promise<void> {
  return createClaimsCheck('AuthModule.forRoot({ claims })', claimsClass)(claims);
}

function parsed(json: string): JsonObject {
  return JSON.parse(json) as JsonObject;
}

describe('a claims class', () => {
  it.each([
    [TenantClaims, { tenant: 'acme' }, 'accepted'],
    [TenantClaims, { tenant: 'acme', more: 1 }, 'accepted'],
    [TenantClaims, { tenant: 'evil' }, 'INVALID_TOKEN claim'],
    [TenantClaims, { tenant: ['acme'] }, 'INVALID_TOKEN claim'],
    [TenantClaims, {}, 'INVALID_TOKEN claim'],
    [StrictClaims, { tenant: 'acme', plan: 'pro' }, 'accepted'],
    [StrictClaims, { tenant: 'acme', plan: 'pro', groups: [] }, 'accepted'],
    [StrictClaims, { tenant: 'acme', plan: 'pro', groups: 'all' }, 'INVALID_TOKEN claim'],
    [StrictClaims, { tenant: 'evil', plan: 'pro' }, 'INVALID_TOKEN claim'],
    [StrictClaims, { tenant: 'acme' }, 'INVALID_TOKEN claim'],
    [AsyncClaims, { tenant: 'acme' }, 'accepted'],
    [AsyncClaims, { tenant: 'evil' }, 'INVALID_TOKEN claim'],
  ] as const)('%o and %j: %s', async (claimsClass, claims, outcome) => {
    expect(await outcomeOf(check(claimsClass, claims))).toBe(outcome);
  });

  it('reports the claims and the failed rules, without values', async () => {
    const error = await errorOf(check(StrictClaims, { tenant: 'evil-tenant', plan: 'x!' }));

    expect(error?.message).toBe('A claim of the access token is missing or not accepted');
    expect(error?.explanation).toContain("The app's StrictClaims is not satisfied: ");
    expect(error?.explanation).toContain('tenant (isIn)');
    expect(error?.explanation).toContain('plan (minLength)');
    expect(error?.explanation).not.toMatch(/evil-tenant|x!/);
  });

  it('omits a message of the app that repeats the value', async () => {
    const error = await errorOf(check(OwnMessageClaims, { code: 'wrong-secret' }));

    expect(error?.explanation).toBe("The app's OwnMessageClaims is not satisfied: code (equals)");
  });

  it('may have methods that its rules call', async () => {
    expect(await outcomeOf(check(MethodClaims, { tenant: 'evil' }))).toBe('INVALID_TOKEN claim');
    expect(await outcomeOf(check(MethodClaims, { tenant: 'acme' }))).toBe('accepted');
  });
});

describe('claims with the names of object members', () => {
  it.each([
    ['{"__proto__":{"tenant":"acme"}}', 'INVALID_TOKEN claim'],
    ['{"tenant":"evil","__proto__":{"tenant":"acme"}}', 'INVALID_TOKEN claim'],
    ['{"tenant":"acme","__proto__":{"tenant":"evil"}}', 'accepted'],
    ['{"tenant":"acme","__proto__":null}', 'accepted'],
    ['{"tenant":"acme","constructor":null}', 'accepted'],
    ['{"tenant":"acme","constructor":{"prototype":{}}}', 'accepted'],
    ['{"tenant":"evil","constructor":null}', 'INVALID_TOKEN claim'],
    ['{"tenant":"evil","constructor":{"prototype":{}}}', 'INVALID_TOKEN claim'],
    ['{"tenant":"acme","then":"x","toString":1,"valueOf":2,"hasOwnProperty":3}', 'accepted'],
    ['{"tenant":"evil","then":"x","toString":1,"valueOf":2,"hasOwnProperty":3}', 'INVALID_TOKEN claim'],
  ])('%s: %s', async (json, outcome) => {
    expect(await outcomeOf(check(TenantClaims, parsed(json)))).toBe(outcome);
    expect(({} as Record<string, unknown>)['tenant']).toBeUndefined();
  });

  it('cannot replace a method of the class', async () => {
    // ValidateIf calls isAdmin(), so a claim with that name could disable the rule.
    expect(await outcomeOf(check(MethodClaims, parsed('{"tenant":"evil","isAdmin":false}')))).toBe(
      'INVALID_TOKEN claim',
    );
  });
});

describe('a getter of a claims class', () => {
  class StaffClaims {
    email!: string;

    @Equals(true)
    get isStaff(): boolean {
      return this.email.endsWith('@corp.example');
    }
  }

  it('runs, whether or not a claim has its name', async () => {
    expect(await outcomeOf(check(StaffClaims, { email: 'a@corp.example', isStaff: false }))).toBe('accepted');
    expect(await outcomeOf(check(StaffClaims, { email: 'a@evil.example' }))).toBe('INVALID_TOKEN claim');
    expect(await outcomeOf(check(StaffClaims, { email: 'a@evil.example', isStaff: true }))).toBe('INVALID_TOKEN claim');
    expect(await outcomeOf(check(StaffClaims, { isStaff: true, email: 'a@evil.example' }))).toBe('INVALID_TOKEN claim');
  });
});

describe('a value that is not a claims class', () => {
  class Undecorated {
    tenant = 'acme';
  }

  it.each([
    ['a class without decorators', Undecorated, /Undecorated has no class-validator decorator\. Decorate at least one/],
    ['a plain function', function claims() {}, /has no class-validator decorator/],
    ['an object', { tenant: 'acme' }, /a class is expected\. Write a class/],
    ['a name', 'TenantClaims', /a class is expected/],
    ['null', null, /a class is expected/],
  ])('is refused at start: %s', (_, given, message) => {
    const error = configurationErrorOf(() => createClaimsCheck('AuthModule.forRoot({ claims })', given));

    expect(error.path).toBe('AuthModule.forRoot({ claims })');
    expect(error.message).toMatch(message);
  });

  it('does not include a class that inherits its decorators', () => {
    class Inheriting extends TenantClaims {}

    expect(createClaimsCheck('claims', Inheriting)).toBeTypeOf('function');
  });
});
