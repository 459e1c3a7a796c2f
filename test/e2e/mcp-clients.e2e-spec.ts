/** Clients of both lines of the MCP SDK, which know the address of an MCP server of the app, and a key. */
import { Controller, Inject, Post, Req, Res } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import * as client2 from '@modelcontextprotocol/client';
import { ClientCredentialsProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { discoverAuthorizationServerMetadata } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { type AuthUser, CurrentUser, RequireScopes } from 'nest-gatehouse';
import { beforeAll, describe, expect, it } from 'vitest';
import { endAfterwards, platforms } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import type { KeyStoreApp } from '../support/key-store-app.js';
import { answerMcp, type McpRequest, type McpResponse } from '../support/mcp-server.js';
import { startTokenEndpointApp } from '../support/token-endpoint-app.js';

@Controller('mcp')
class McpController {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  @RequireScopes('cats:read')
  @Post()
  async answer(@Req() request: McpRequest, @Res() response: McpResponse, @CurrentUser() user: AuthUser): Promise<void> {
    const server = new McpServer({ name: 'cats', version: '1.0.0' });
    server.registerTool('whoami', { description: 'States the caller' }, () => ({
      content: [{ type: 'text', text: `${user.id} by ${String(user.clientId)}` }],
    }));
    await answerMcp(server, this.host.httpAdapter.getType(), request, response);
  }
}

interface Key {
  readonly id: string;
  readonly secret: string;
}

type Method = 'client_secret_basic' | 'client_secret_post';

/** What a client has sent to the token endpoint. */
interface TokenRequest {
  readonly authorization: string | null;
  readonly form: URLSearchParams;
}

/** A fetch that notes the requests for tokens. */
function fetchNoting(requests: TokenRequest[]): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    if (request.url.endsWith('/oauth/token')) {
      const form = new URLSearchParams(await request.clone().text());
      requests.push({ authorization: request.headers.get('authorization'), form });
    }
    return fetch(request);
  };
}

/** Prefers a method where the server names several. */
function preferring<Provider extends { clientInformation: () => unknown }>(
  provider: Provider,
  method: Method,
): Provider {
  const informed = provider.clientInformation.bind(provider);
  provider.clientInformation = () => ({ ...(informed() as object), token_endpoint_auth_method: method });
  return provider;
}

interface Connected {
  whoami(): Promise<unknown>;
}

type Connect = (address: URL, key: Key, method: Method, requests: TokenRequest[], scope?: string) => Promise<Connected>;

function settingsOf(address: URL, { id, secret }: Key, scope: string | undefined) {
  // The client sends its secret to this server alone.
  const expectedIssuer = address.origin;
  return { clientId: id, clientSecret: secret, expectedIssuer, ...(scope !== undefined && { scope }) };
}

const name = { name: 'test', version: '1.0.0' };

const connect1: Connect = async (address, key, method, requests, scope) => {
  const settings = settingsOf(address, key, scope);
  const authProvider = preferring(new ClientCredentialsProvider(settings), method);
  const client = new Client(name);
  const transport = new StreamableHTTPClientTransport(address, { authProvider, fetch: fetchNoting(requests) });
  await client.connect(transport);
  endAfterwards(() => client.close());
  return { whoami: async () => (await client.callTool({ name: 'whoami', arguments: {} })).content };
};

const connect2: Connect = async (address, key, method, requests, scope) => {
  const settings = settingsOf(address, key, scope);
  const authProvider = preferring(new client2.ClientCredentialsProvider(settings), method);
  const client = new client2.Client(name);
  const fetch = fetchNoting(requests);
  await client.connect(new client2.StreamableHTTPClientTransport(address, { authProvider, fetch }));
  endAfterwards(() => client.close());
  return { whoami: async () => (await client.callTool({ name: 'whoami', arguments: {} })).content };
};

const lines = [
  {
    line: '1.x',
    connect: connect1,
    discover: discoverAuthorizationServerMetadata,
    // It asks for what its key has, again.
    lacking: /403 after trying upscoping/,
  },
  {
    line: '2.x',
    connect: connect2,
    discover: client2.discoverAuthorizationServerMetadata,
    // It asks for the scope that the challenge of the route names.
    lacking: /has what the key does not have/,
  },
];

describe.each(platforms)('on $name', (platform) => {
  let stand: KeyStoreApp;
  let url: string;
  let mcp: URL;

  beforeAll(async () => {
    const port = await freePort();
    url = `http://127.0.0.1:${port}`;
    mcp = new URL('/api/mcp', url);
    stand = await startTokenEndpointApp(platform, { port, auth: { publicUrl: url }, controllers: [McpController] });
  });

  describe.each(lines)('a client of the MCP SDK $line', ({ connect, discover, lacking }) => {
    it('reads the metadata of the app', async () => {
      expect(await discover(url)).toMatchObject({
        issuer: url,
        token_endpoint: `${url}/oauth/token`,
        response_types_supported: [],
        grant_types_supported: ['client_credentials'],
      });
    });

    it.each(['client_secret_basic', 'client_secret_post'] as const)('gets in by %s', async (method) => {
      const key = await stand.service.create({ userId: 'alice', scopes: ['cats:read', 'cats:write'] });
      const requests: TokenRequest[] = [];
      const client = await connect(mcp, key, method, requests);
      expect(await client.whoami()).toEqual([{ type: 'text', text: `alice by ${key.id}` }]);
      expect(requests).toHaveLength(1);
      const [sent] = requests;
      const raw = `Basic ${btoa(`${key.id}:${key.secret}`)}`;
      expect([sent?.authorization, sent?.form.get('client_secret')]).toEqual(
        method === 'client_secret_basic' ? [raw, null] : [null, key.secret],
      );
      // It does not say which scopes it needs, and has all of the key.
      expect(sent?.form.has('scope')).toBe(false);
      await stand.service.revoke(key.id);
      await expect(client.whoami()).rejects.toThrow(/no such client, or its secret is wrong/);
    });

    it('gets a token for the scopes that it was told', async () => {
      const key = await stand.service.create({ userId: 'alice', scopes: ['cats:read', 'cats:write'] });
      const requests: TokenRequest[] = [];
      const client = await connect(mcp, key, 'client_secret_basic', requests, 'cats:read');
      expect(await client.whoami()).toEqual([{ type: 'text', text: `alice by ${key.id}` }]);
      expect(requests[0]?.form.get('scope')).toBe('cats:read');
    });

    it('learns that its secret is wrong, and that its key lacks the scope', async () => {
      const key = await stand.service.create({ userId: 'alice' });
      const other = await stand.service.create({ userId: 'bob' });
      const requests: TokenRequest[] = [];
      const wrong = connect(mcp, { id: key.id, secret: other.secret }, 'client_secret_basic', requests);
      await expect(wrong).rejects.toThrow(/no such client, or its secret is wrong/);
      await expect(connect(mcp, key, 'client_secret_basic', requests)).rejects.toThrow(lacking);
      // It gives up, instead of asking for ever.
      expect(requests.length).toBeLessThanOrEqual(6);
    });
  });
});
