/** Members only: the organization that a route is about, the user's roles and permissions in it, and nowhere else. */
import { Controller, type ExecutionContext, Get } from '@nestjs/common';
import {
  AuthModule,
  CurrentUser,
  OptionalAuth,
  propelAuth,
  Public,
  RequireOrganization,
  RequireRoles,
} from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import type { Call } from '../support/http.js';
import { LogLines, see } from '../support/log-lines.js';
import { accessDenied, missingToken, verdictOf } from '../support/verdicts.js';

const headerOf = (context: ExecutionContext, name: string): string | undefined =>
  context.switchToHttp().getRequest<{ headers: Record<string, string | undefined> }>().headers[name];

@RequireOrganization()
@Controller('orgs/:orgId')
class OrganizationController {
  @Get()
  read(@CurrentUser('id') id: string): object {
    return { id };
  }

  @RequireOrganization({ role: 'Admin' })
  @Get('exact')
  exact(): string {
    return 'exact';
  }

  @RequireOrganization({ minimumRole: 'Member' })
  @Get('least')
  least(): string {
    return 'least';
  }

  @RequireOrganization({ permissions: ['reports:read', 'reports:write'] })
  @Get('reports')
  reports(): string {
    return 'reports';
  }

  // Membership of one organization, and admin of another.
  @RequireOrganization({ param: 'other', role: 'Admin' })
  @Get('move-to/:other')
  move(): string {
    return 'moved';
  }

  @RequireOrganization({ param: 'team' })
  @Get('no-such-parameter')
  noParameter(): string {
    return 'nothing';
  }

  @RequireRoles('Admin')
  @Get('role-of-none')
  role(): string {
    return 'role';
  }

  @OptionalAuth()
  @Get('optional')
  optional(): string {
    return 'optional';
  }

  @Public()
  @Get('open')
  open(): string {
    return 'open';
  }
}

@Controller()
class OtherController {
  @RequireOrganization({ by: 'slug', param: 'slug' })
  @Get('slugs/:slug')
  bySlug(): string {
    return 'slug';
  }

  @RequireOrganization({ id: (context) => headerOf(context, 'x-organization') })
  @Get('by-header')
  byHeader(): string {
    return 'header';
  }

  @RequireOrganization({ id: async (context) => Promise.resolve(headerOf(context, 'x-organization') ?? null) })
  @Get('by-promise')
  byPromise(): string {
    return 'promise';
  }

  @RequireOrganization({
    id: (context) => {
      throw new Error(`no organization for ${headerOf(context, 'authorization') ?? ''}`);
    },
  })
  @Get('by-throwing')
  byThrowing(): string {
    return 'thrown';
  }

  @RequireOrganization({ id: async () => Promise.reject(new TypeError('later')) })
  @Get('by-rejecting')
  byRejecting(): string {
    return 'rejected';
  }

  @RequireOrganization({ id: () => ({ toString: () => 'acme' }) as never })
  @Get('by-object')
  byObject(): string {
    return 'object';
  }

  // Every object has these, and no route.
  @RequireOrganization({ param: '__proto__' })
  @Get('by-prototype/:orgId')
  byPrototype(): string {
    return 'prototype';
  }
}

/** One organization, as PropelAuth writes it into its tokens. */
const inHierarchy = (id: string, role: string, inherited: readonly string[], permissions: readonly string[] = []) => ({
  org_id: id,
  org_name: id.toUpperCase(),
  url_safe_org_name: `${id}-slug`,
  user_role: role,
  inherited_user_roles_plus_current_role: inherited,
  user_permissions: permissions,
});

const ofSeveralRoles = (id: string, role: string, additional: readonly string[]) => ({
  org_id: id,
  org_name: id.toUpperCase(),
  url_safe_org_name: `${id}-slug`,
  org_role_structure: 'multi_role',
  user_role: role,
  // Without an order this says nothing.
  inherited_user_roles_plus_current_role: ['Admin', 'Member'],
  additional_roles: additional,
  user_permissions: [],
});

const claims = {
  user_id: 'jonas',
  org_id_to_org_member_info: {
    acme: inHierarchy('acme', 'Admin', ['Admin', 'Member'], ['reports:read', 'reports:write']),
    globex: inHierarchy('globex', 'Member', ['Member'], ['reports:read']),
    multi: ofSeveralRoles('multi', 'Billing', ['Admin']),
    flat: ofSeveralRoles('flat', 'Billing', []),
  },
};

describe.each(platforms)('organizations on $name', (platform) => {
  const logger = new LogLines();
  let issuer: TestIssuer;
  let app: RunningApp;
  let token: string;

  beforeAll(async () => {
    issuer = await startIssuer({ algorithm: 'RS256' });
    token = await issuer.token(claims);
    app = await startApp(platform, {
      logger,
      imports: [
        AuthModule.forRoot({
          issuers: propelAuth({ authUrl: issuer.url, apiKey: 'key', verifierKey: issuer.publicKeyPem }),
          // What the app makes of the user has no say in it.
          toUser: ({ id }) => ({ id, organizations: [{ id: 'initech' }] }),
        }),
      ],
      controllers: [OrganizationController, OtherController],
    });
  });

  beforeEach(() => {
    logger.forget();
  });

  const callWith = (path: string, call: Call = {}) => app.call(path, { token, ...call });

  it.each([
    '/orgs/acme',
    '/orgs/globex',
    '/orgs/acme/exact',
    '/orgs/multi/exact',
    '/orgs/acme/least',
    '/orgs/globex/least',
    '/orgs/acme/reports',
    '/orgs/globex/move-to/acme',
    '/orgs/acme/optional',
    '/slugs/acme-slug',
  ])('allow a member at %s', async (path) => {
    expect((await callWith(path)).status).toBe(200);
  });

  it.each([
    '/orgs/initech',
    '/orgs/ACME',
    '/orgs/acme-slug',
    '/orgs/__proto__',
    '/orgs/constructor',
    '/orgs/%20',
    '/orgs/initech/optional',
    // A role that the assigned one includes is not that role; nor is one that is listed where roles have no order.
    '/orgs/globex/exact',
    '/orgs/flat/exact',
    '/orgs/flat/least',
    '/orgs/globex/reports',
    // Membership here is none there, and a role there is none here.
    '/orgs/initech/move-to/acme',
    '/orgs/acme/move-to/globex',
    '/orgs/acme/no-such-parameter',
    // Roles within an organization are not the user's beyond it.
    '/orgs/acme/role-of-none',
    '/slugs/acme',
    '/by-header',
    '/by-promise',
    '/by-object',
    '/by-prototype/acme',
  ])('refuse %s', async (path) => {
    expect(verdictOf(await callWith(path))).toEqual(accessDenied);
    expect(logger.ours().map(({ level }) => level)).toEqual(['debug']);
  });

  it.each(['/by-header', '/by-promise'])('are named by a function of the app at %s', async (path) => {
    const named = (organization: string) => callWith(path, { headers: [['x-organization', organization]] });
    expect((await named('acme')).status).toBe(200);
    expect(verdictOf(await named('initech'))).toEqual(accessDenied);
  });

  it.each(['/orgs/acme', '/orgs/acme/optional', '/orgs/acme/exact', '/by-header', '/by-throwing'])(
    'cannot be decided without a token: %s',
    async (path) => {
      expect(verdictOf(await app.call(path))).toEqual(missingToken);
    },
  );

  it('require nothing where the handler is public', async () => {
    expect((await app.call('/orgs/initech/open')).status).toBe(200);
  });

  it.each([
    ['/by-throwing', 'Error "no organization for Bearer [token]"'],
    ['/by-rejecting', 'TypeError "later"'],
  ])('refuse every caller when that function throws: %s', async (path, problem) => {
    expect(verdictOf(await callWith(path))).toEqual(accessDenied);
    const [error, debug] = [logger.ours('error'), logger.ours('debug')];
    expect(error).toHaveLength(1);
    expect(error[0]?.text).toMatch(/^OtherController\.by\w+: @RequireOrganization\(\{ id \}\) threw, so it refuses: /);
    expect(error[0]?.text).toContain(problem);
    expect(error[0]?.text).toMatch(/\n {4}at .*organizations\.e2e-spec\.ts/);
    expect(debug[0]?.text).toContain(problem);
    expect(logger.lines.map(({ text }) => text).join()).not.toContain(token);
  });

  it.each([
    [
      '/orgs/acme/no-such-parameter',
      'OrganizationController.noParameter: refused (ACCESS_DENIED). It requires membership of the organization whose ' +
        'id is :team, and the call names no organization: there is no route parameter "team". ' +
        'Name the parameter with @RequireOrganization({ param }), or write a function id(context)',
    ],
    [
      '/by-object',
      'OtherController.byObject: refused (ACCESS_DENIED). It requires membership of the organization whose ' +
        'id is returned by id(), and the call names no organization: id() returned none. ' +
        'Name the parameter with @RequireOrganization({ param }), or write a function id(context)',
    ],
  ])('are explained in the log when they cannot be decided: %s', async (path, text) => {
    await callWith(path);
    expect(logger.ours()).toEqual([{ level: 'debug', context: 'Gatehouse', text: `${text}${see('ACCESS_DENIED')}` }]);
  });

  it('are explained in the log with what the user has, and the source', async () => {
    await callWith('/orgs/globex/exact');
    expect(logger.ours('debug')[0]?.text).toBe(
      'OrganizationController.exact: refused (ACCESS_DENIED). It requires membership of the organization whose id is ' +
        ':orgId, role: Admin; the call names "globex", where user.organizations, read from the token of issuer ' +
        `"${issuer.url}", has the assigned roles ["Member"]${see('ACCESS_DENIED')}`,
    );
  });

  it('are only the active one where the token names no others', async () => {
    const active = await issuer.token({ user_id: 'jonas', org_member_info: inHierarchy('acme', 'Admin', ['Admin']) });
    expect((await app.call('/orgs/acme/exact', { token: active })).status).toBe(200);
    expect(verdictOf(await app.call('/orgs/globex', { token: active }))).toEqual(accessDenied);
  });
});
