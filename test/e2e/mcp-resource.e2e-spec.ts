/** Clients of both lines of the MCP SDK, which know nothing but the address of an MCP server of the app. */
import { Controller, Inject, Post, Req, Res, UseGuards } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import * as client2 from '@modelcontextprotocol/client';
import { ClientCredentialsProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import {
  AuthGuard,
  AuthModule,
  type AuthUser,
  CurrentUser,
  insufficientScope,
  oidc,
  RequireScopes,
} from 'nest-gatehouse';
import { beforeAll, describe, expect, it } from 'vitest';
import { endAfterwards, type Platform, platforms, type RunningApp, startApp } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { answerMcp, type McpRequest, type McpResponse } from '../support/mcp-server.js';
import { type OpenIdProvider, startOpenIdProvider } from '../support/openid-provider.js';
import { signIn, signInAt } from '../support/sign-in.js';
import { startTokenEndpointApp } from '../support/token-endpoint-app.js';
import { verdictOf } from '../support/verdicts.js';

const scopesOfTools: ReadonlyMap<unknown, string> = new Map([['feed', 'cats:write']]);

function createServer(user: AuthUser): McpServer {
  const server = new McpServer({ name: 'cats', version: '1.0.0' });
  const content = [{ type: 'text', text: user.id }] as const;
  for (const name of ['whoami', 'feed'])
    server.registerTool(name, { description: name }, () => ({ content: [...content] }));
  return server;
}

class McpController {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  @RequireScopes('cats:read')
  @Post()
  async answer(@Req() request: McpRequest, @Res() response: McpResponse, @CurrentUser() user: AuthUser): Promise<void> {
    // Before the SDK has the response: it would turn an error of a tool into an answer of its own.
    for (const message of [request.body].flat() as { readonly params?: { readonly name?: string } }[]) {
      const scope = scopesOfTools.get(message.params?.name);
      if (scope !== undefined && !user.scopes.includes(scope)) throw insufficientScope(scope);
    }
    await answerMcp(createServer(user), this.host.httpAdapter.getType(), request, response);
  }
}

@Controller('mcp')
class CatsController extends McpController {}

@UseGuards(AuthGuard)
@Controller('mcp/admin')
class AdminController extends McpController {}

/** A person at a program: the program shows the page of the provider, where the person signs in as Alice. */
class Program {
  /** What the program has asked the provider for. */
  readonly asked: { readonly scope: string | null; readonly resource: string | null }[] = [];
  private page: URL | null = null;
  private verifier = '';
  private granted: client2.OAuthTokens | undefined;

  constructor(private readonly provider: OpenIdProvider) {}

  get redirectUrl(): string {
    return this.provider.client.redirectUri;
  }

  get clientMetadata() {
    return { redirect_uris: [this.redirectUrl], token_endpoint_auth_method: 'none' };
  }

  clientInformation() {
    return { client_id: this.provider.client.clientId };
  }

  tokens(): client2.OAuthTokens | undefined {
    return this.granted;
  }

  saveTokens(tokens: client2.OAuthTokens): void {
    this.granted = tokens;
  }

  saveCodeVerifier(verifier: string): void {
    this.verifier = verifier;
  }

  codeVerifier(): string {
    return this.verifier;
  }

  redirectToAuthorization(page: URL): void {
    this.page = page;
    const { searchParams } = page;
    this.asked.push({ scope: searchParams.get('scope'), resource: searchParams.get('resource') });
  }

  /** Signs in at the page that the program shows, and returns what the provider adds to the redirect URI. */
  async signIn(): Promise<URLSearchParams> {
    if (this.page === null) throw new Error('the program has shown no page');
    return (await signInAt(this.page, 'alice', this.redirectUrl)).searchParams;
  }
}

/** A client of one of the two lines, with its transport. */
interface Session {
  connect(): Promise<void>;
  /** Gets tokens with what the provider has added to the redirect URI. */
  finish(back: URLSearchParams): Promise<void>;
  call(tool: string): Promise<unknown>;
  close(): Promise<void>;
}

type Open = (address: URL, program: Program) => Session;

const name = { name: 'test', version: '1.0.0' };

const open1 = (address: URL, authProvider: Program | ClientCredentialsProvider): Session => {
  const client = new Client(name);
  const transport = new StreamableHTTPClientTransport(address, { authProvider });
  return {
    connect: () => client.connect(transport),
    finish: (back) => transport.finishAuth(back.get('code') ?? ''),
    call: async (tool) => (await client.callTool({ name: tool, arguments: {} })).content,
    close: () => client.close(),
  };
};

const open2 = (address: URL, authProvider: Program | client2.ClientCredentialsProvider): Session => {
  const client = new client2.Client(name);
  const transport = new client2.StreamableHTTPClientTransport(address, { authProvider });
  return {
    connect: () => client.connect(transport),
    finish: (back) => transport.finishAuth(back),
    call: async (tool) => (await client.callTool({ name: tool, arguments: {} })).content,
    close: () => client.close(),
  };
};

const lines = [
  { line: '1.x', open: open1 },
  { line: '2.x', open: open2 },
];

/** Does something. If the person has to sign in for it, lets them; returns whether it has to be done again. */
async function signInIfAsked(act: () => Promise<unknown>, program: Program, session: Session): Promise<boolean> {
  const before = program.asked.length;
  try {
    await act();
    return false;
  } catch (error) {
    if (program.asked.length === before) throw error;
    await session.finish(await program.signIn());
    return true;
  }
}

async function connect(open: Open, address: string, program: Program) {
  let session = open(new URL(address), program);
  if (await signInIfAsked(() => session.connect(), program, session)) {
    session = open(new URL(address), program);
    await session.connect();
  }
  endAfterwards(() => session.close());
  return {
    call: async (tool: string): Promise<unknown> => {
      await signInIfAsked(() => session.call(tool), program, session);
      return session.call(tool);
    },
  };
}

/** Fastify answers an address with a slash at its end only if it is told to. */
function withSlashes({ name: platform, createAdapter }: Platform): Platform {
  const fastify = () => new FastifyAdapter({ routerOptions: { ignoreTrailingSlash: true } });
  return { name: platform, createAdapter: platform === 'Fastify' ? fastify : createAdapter };
}

describe.each(platforms.map(withSlashes))('an MCP server on $name', (platform) => {
  let provider: OpenIdProvider;
  let app: RunningApp;
  let mcp: string;
  let admin: string;
  let free: string;

  beforeAll(async () => {
    const port = await freePort();
    mcp = `http://127.0.0.1:${port}/mcp`;
    admin = `${mcp}/admin`;
    free = `${mcp}/free`;
    provider = await startOpenIdProvider([mcp, admin, free]);
    const issuers = oidc({ issuer: provider.issuer, audience: [mcp, admin, free], tokenType: 'at+jwt' });
    const resource = [{ identifier: mcp, scopes: ['cats:read'] }, { identifier: admin }, { identifier: free }];
    app = await startApp(platform, {
      imports: [AuthModule.forRoot({ issuers, resource })],
      controllers: [AdminController, CatsController],
      port,
    });
  });

  describe.each(lines)('and a client of the SDK $line', ({ open }) => {
    it('who knows its address gets in, and asks for more when a tool needs more', async () => {
      const program = new Program(provider);
      const client = await connect(open, mcp, program);
      expect(await client.call('whoami')).toEqual([{ type: 'text', text: 'alice' }]);
      expect(program.asked).toEqual([{ scope: 'cats:read', resource: mcp }]);
      expect(await client.call('feed')).toEqual([{ type: 'text', text: 'alice' }]);
      expect(program.asked.slice(1)).toEqual([{ scope: 'cats:read cats:write', resource: mcp }]);
      expect(await client.call('whoami')).toEqual([{ type: 'text', text: 'alice' }]);
      expect(program.asked).toHaveLength(2);
    });

    it('who has written a slash behind it gets in as well', async () => {
      const program = new Program(provider);
      const client = await connect(open, `${mcp}/`, program);
      expect(await client.call('whoami')).toEqual([{ type: 'text', text: 'alice' }]);
      expect(program.asked).toEqual([{ scope: 'cats:read', resource: mcp }]);
    });

    it('gets a token of its own for a resource within another', async () => {
      const program = new Program(provider);
      const client = await connect(open, admin, program);
      expect(await client.call('whoami')).toEqual([{ type: 'text', text: 'alice' }]);
      expect(program.asked).toEqual([{ scope: 'cats:read', resource: admin }]);
      // With this token the other one asks to sign in again.
      const other = await connect(open, mcp, program);
      expect(await other.call('whoami')).toEqual([{ type: 'text', text: 'alice' }]);
      expect(program.asked.slice(1)).toEqual([{ scope: 'cats:read', resource: mcp }]);
    });
  });

  it('names no scopes for a resource that requires none', async () => {
    const document = free.replace('/mcp/', '/.well-known/oauth-protected-resource/mcp/');
    const { json } = await app.call(new URL(document).pathname);
    expect(json).toMatchObject({ resource: free, authorization_servers: [provider.issuer] });
    expect(json).not.toHaveProperty('scopes_supported');
  });

  it('of an app that issues its own tokens lets a machine in that has a key', async () => {
    const port = await freePort();
    const publicUrl = `http://127.0.0.1:${port}`;
    const identifier = `${publicUrl}/api/mcp`;
    const { service } = await startTokenEndpointApp(platform, {
      port,
      auth: { publicUrl, resource: { identifier } },
      sessions: { audience: [publicUrl, identifier] },
      controllers: [CatsController],
    });
    const { id: clientId, secret: clientSecret } = await service.create({ userId: 'alice', scopes: ['cats:read'] });
    const settings = { clientId, clientSecret, expectedIssuer: publicUrl };
    for (const session of [
      open1(new URL(identifier), new ClientCredentialsProvider(settings)),
      open2(new URL(identifier), new client2.ClientCredentialsProvider(settings)),
    ]) {
      await session.connect();
      endAfterwards(() => session.close());
      expect(await session.call('whoami')).toEqual([{ type: 'text', text: 'alice' }]);
    }
  });

  it('refuses a call that lacks its scope in a list of calls, which the SDK would answer', async () => {
    const { accessToken: token } = await signIn(provider, 'alice', mcp, 'cats:read');
    const call = (name: string) => ({
      jsonrpc: '2.0',
      id: name,
      method: 'tools/call',
      params: { name, arguments: {} },
    });
    const send = (...tools: string[]) => {
      const accept = ['Accept', 'application/json, text/event-stream'] as const;
      const headers = [['Content-Type', 'application/json'] as const, accept];
      return app.call('/mcp', { method: 'POST', token, headers, body: JSON.stringify(tools.map(call)) });
    };
    expect((await send('whoami', 'whoami')).text).toContain('alice');
    const refused = await send('whoami', 'feed');
    expect(verdictOf(refused)).toMatchObject({ status: 403, code: 'INSUFFICIENT_SCOPE' });
    expect(refused.headers['www-authenticate']).toContain('scope="cats:read cats:write"');
  });

  it('refuses the token of another resource', async () => {
    const { accessToken } = await signIn(provider, 'alice', admin, 'cats:read');
    const answer = await app.call('/mcp', { method: 'POST', token: accessToken });
    expect(verdictOf(answer)).toMatchObject({ status: 401, code: 'INVALID_TOKEN', reason: 'audience' });
    const metadata = mcp.replace('/mcp', '/.well-known/oauth-protected-resource/mcp');
    expect(answer.headers['www-authenticate']).toContain(
      `Bearer resource_metadata="${metadata}", scope="cats:read", error=`,
    );
  });
});
