/** What a handler receives of its caller: the whole user, one property, through pipes, or null. */
import { inspect } from 'node:util';
import { Controller, Get, Injectable, ParseIntPipe, type PipeTransform, Req, UseGuards } from '@nestjs/common';
import { AuthGuard, AuthModule, type AuthUser, CurrentUser, OptionalAuth, oidc, Public, tokenOf } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
@Injectable()
class ShoutPipe implements PipeTransform {
  transform(value: unknown): unknown {
    return typeof value === 'string' ? value.toUpperCase() : value;
  }
}

class GreetPipe implements PipeTransform<AuthUser | null, string> {
  constructor(private readonly word = 'Hello') {}
  transform(user: AuthUser | null): string {
    return `${this.word} ${user?.name ?? 'stranger'}`;
  }
}

function attempt(write: () => void): string {
  try {
    write();
    return 'written';
  } catch (error) {
    return error instanceof TypeError ? 'frozen' : 'other';
  }
}

/** JSON has no word for what is not there. */
const shown = (value: unknown): object => ({ value: value === undefined ? '(undefined)' : value });

@UseGuards(AuthGuard)
@Controller('me')
class MeController {
  @Get()
  whole(@CurrentUser() user: AuthUser): AuthUser {
    return user;
  }

  @Get('email')
  email(@CurrentUser('email') email: string | null): object {
    return shown(email);
  }

  @Get('first-role')
  firstRole(@CurrentUser('roles.0') role: string | undefined): object {
    return shown(role);
  }

  @Get('third-role')
  thirdRole(@CurrentUser('roles.2') role: string | undefined): object {
    return shown(role);
  }

  @Get('city')
  city(@CurrentUser('claims.address.city') city: unknown): object {
    return shown(city);
  }

  @Get('shouted')
  shouted(@CurrentUser('name', ShoutPipe) name: string): object {
    return shown(name);
  }

  @Get('two-pipes')
  twoPipes(@CurrentUser('name', new ShoutPipe(), new ShoutPipe()) name: string): object {
    return shown(name);
  }

  @Get('age')
  age(@CurrentUser('claims.age', ParseIntPipe) age: number): object {
    return shown(age);
  }

  @Get('greeted')
  greeted(@CurrentUser(GreetPipe) connectionParameters: string): object {
    return shown(connectionParameters);
  }

  @Get('welcomed')
  welcomed(@CurrentUser(new GreetPipe('Welcome')) connectionParameters: string): object {
    return shown(connectionParameters);
  }

  @Get('request')
  request(@Req() request: { user?: AuthUser }, @CurrentUser() user: AuthUser): object {
    return { same: request.user === user, id: request.user?.id };
  }

  @Get('writes')
  writes(@CurrentUser() user: AuthUser): object {
    const open = user as unknown as {
      id: string;
      added: string;
      roles: string[];
      claims: { address: { city: string } };
    };
    return {
      property: attempt(() => (open.id = 'root')),
      newProperty: attempt(() => (open.added = 'x')),
      list: attempt(() => open.roles.push('admin')),
      claims: attempt(() => (open.claims.address.city = 'Elsewhere')),
      expiry: attempt(() => user.expiresAt?.setFullYear(2999)),
      expiryStays: (user.expiresAt?.getFullYear() ?? 2999) < 2999,
    };
  }

  @Get('token')
  token(@CurrentUser() user: AuthUser): object {
    const copy = { ...user };
    const shownAnywhere = [JSON.stringify({ user, copy }), inspect(user, { depth: 9, showHidden: true })].join();
    return { shown: shownAnywhere.includes(tokenOf(user)), ends: tokenOf(user).slice(-8), copy };
  }
}

/** Paths that TypeScript refuses; a JavaScript app could write them all the same. */
const hostilePaths = [
  'constructor',
  '__proto__',
  'prototype',
  'hasOwnProperty',
  'toString',
  'roles.length',
  'roles.constructor',
  'roles.__proto__.constructor',
  'roles.-1',
  'roles.1e0',
  'email.length',
  'claims.constructor',
  'claims.__proto__.isAdmin',
  'id.0',
  '',
  'id.',
  '.id',
  'no.such.thing',
];

@Controller()
class AnonymousController {
  @OptionalAuth()
  @Get('guest')
  guest(@CurrentUser() user: AuthUser | null, @CurrentUser('id') id: string | null): object {
    return { user, id };
  }

  @Public()
  @Get('public')
  public(@CurrentUser() user: AuthUser | null, @CurrentUser('organizations.0.name') name: string | null): object {
    return { user, name };
  }

  @Get('unguarded')
  unguarded(@CurrentUser() user: AuthUser | null, @CurrentUser('id', ShoutPipe) id: string | null): object {
    return { user, id };
  }

  @OptionalAuth()
  @Get('greeted-guest')
  greeted(@CurrentUser(GreetPipe) connectionParameters: string): object {
    return shown(connectionParameters);
  }
}

const controllerOf = (path: string, at: number): (new () => object) => {
  @UseGuards(AuthGuard)
  @Controller('hostile')
  class HostileController {
    @Get(String(at))
    read(@CurrentUser(path as 'id') value: unknown): object {
      return shown(value);
    }
  }
  return HostileController;
};

describe.each(platforms)('the current user on $name', (platform) => {
  let issuer: TestIssuer;
  let app: RunningApp;
  let token: string;

  beforeAll(async () => {
    issuer = await startIssuer();
    app = await startApp(platform, {
      imports: [AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }) })],
      controllers: [MeController, AnonymousController, ...hostilePaths.map(controllerOf)],
    });
    token = await issuer.token({
      aud: 'api',
      sub: 'alice',
      email: 'alice@example.org',
      email_verified: true,
      name: 'Alice',
      sid: 'session-1',
      scope: 'read write',
      roles: ['editor', 'admin'],
      permissions: ['cats:feed'],
      address: { city: 'Graz' },
      age: '42',
    });
  });

  const read = async (path: string): Promise<unknown> => (await app.call(path, { token })).json;
  it('has all properties that the token states', async () => {
    const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { exp: number };
    expect(await read('/me')).toEqual({
      id: 'alice',
      issuer: issuer.url,
      provider: 'oidc',
      isAnonymous: false,
      email: 'alice@example.org',
      emailVerified: true,
      name: 'Alice',
      sessionId: 'session-1',
      clientId: null,
      impersonatorId: null,
      roles: ['editor', 'admin'],
      scopes: ['read', 'write'],
      permissions: ['cats:feed'],
      organizations: [],
      claims,
      expiresAt: new Date(claims.exp * 1_000).toISOString(),
      credential: { kind: 'access-token', id: null, scheme: 'Bearer' },
    });
  });

  it('has null and [] for what the token does not state', async () => {
    const sparse = await issuer.token({ aud: 'api', sub: 'bob' });
    expect((await app.call('/me', { token: sparse })).json).toMatchObject({
      id: 'bob',
      email: null,
      emailVerified: null,
      name: null,
      sessionId: null,
      clientId: null,
      roles: [],
      scopes: [],
      permissions: [],
      organizations: [],
    });
    expect((await app.call('/me/email', { token: sparse })).json).toEqual({ value: null });
  });

  it.each([
    ['/me/email', 'alice@example.org'],
    ['/me/first-role', 'editor'],
    ['/me/third-role', '(undefined)'],
    ['/me/city', 'Graz'],
  ])('has the value at a path: %s', async (path, value) => {
    expect(await read(path)).toEqual({ value });
  });

  it.each(hostilePaths.map((path, at) => [path, at] as const))('has no value at the path "%s"', async (_path, at) => {
    expect(await read(`/hostile/${at}`)).toEqual({ value: '(undefined)' });
  });

  it.each([
    ['/me/shouted', 'ALICE'],
    ['/me/two-pipes', 'ALICE'],
    ['/me/age', 42],
    ['/me/greeted', 'Hello Alice'],
    ['/me/welcomed', 'Welcome Alice'],
  ])('passes through pipes, given as class or instance, with or without a path: %s', async (path, value) => {
    expect(await read(path)).toEqual({ value });
  });

  it('can be refused by a pipe', async () => {
    const ageless = await issuer.token({ aud: 'api', age: 'old' });
    expect((await app.call('/me/age', { token: ageless })).status).toBe(400);
  });

  it('is also request.user', async () => {
    expect(await read('/me/request')).toEqual({ same: true, id: 'alice' });
  });

  it('is null for anonymous callers, with @Public() and without a guard', async () => {
    expect((await app.call('/guest')).json).toEqual({ user: null, id: null });
    expect(await read('/public')).toEqual({ user: null, name: null });
    expect(await read('/unguarded')).toEqual({ user: null, id: null });
    expect((await app.call('/greeted-guest')).json).toEqual({ value: 'Hello stranger' });
  });

  it('is deeply frozen, and a modified date is only a copy', async () => {
    expect(await read('/me/writes')).toEqual({
      property: 'frozen',
      newProperty: 'frozen',
      list: 'frozen',
      claims: 'frozen',
      expiry: 'written',
      expiryStays: true,
    });
  });

  it('does not contain the token, which only tokenOf returns', async () => {
    expect(await read('/me/token')).toMatchObject({ shown: false, ends: token.slice(-8), copy: { id: 'alice' } });
    const answer = await app.call('/me', { token });
    for (const part of token.split('.')) expect(answer.text).not.toContain(part);
  });
});
