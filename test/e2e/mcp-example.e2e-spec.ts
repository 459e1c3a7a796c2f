/** The example app with the MCP SDK, its two visitors, and callers that try to get more than they may. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import * as client1 from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { AuthModule, oidc } from 'nest-gatehouse';
import { ApiKeyService } from 'nest-gatehouse/api-keys';
import { beforeAll, describe, expect, it } from 'vitest';
import { AppModule } from '../../examples/mcp/app.module.js';
import { visitAsMachine, visitAsPerson } from '../../examples/mcp/client.js';
import { adapters, startExample } from '../../examples/mcp/example.js';
import { Journal } from '../../examples/mcp/journal.js';
import { McpController } from '../../examples/mcp/mcp.controller.js';
import { Person } from '../../examples/mcp/person.js';
import { endAfterwards, platforms, type RunningApp, startApp, startIssuer } from '../support/app.js';
import { freePort } from '../support/free-port.js';
import { grant, post } from '../support/token-endpoint-app.js';

const steps = `
An MCP server on ADAPTER: http://APP/mcp
 The client finds out where to get a token, and registers
   POST APP/mcp initialize -> 401 Bearer resource_metadata="http://APP/.well-known/oauth-protected-resource/mcp", scope="notes:read"
   GET APP/.well-known/oauth-protected-resource/mcp -> 200 resource=http://APP/mcp authorization_servers=http://PROVIDER,http://APP
   GET PROVIDER/.well-known/oauth-authorization-server -> 200 issuer=http://PROVIDER
   POST PROVIDER/reg -> 201 client_id=ID
 The person signs in
   mira signs in at the provider and allows notes:read
   POST PROVIDER/token authorization_code -> 200 scope=notes:read token_type=Bearer
 The client connects
   POST APP/mcp initialize -> 200 notes
   POST APP/mcp notifications/initialized -> 202
 It calls a tool
   POST APP/mcp tools/call list_notes -> 200 no notes
 It calls a tool that needs one more scope
   POST APP/mcp tools/call add_note -> 403 Bearer resource_metadata="http://APP/.well-known/oauth-protected-resource/mcp", scope="notes:read notes:write", error="insufficient_scope"
 The person allows that too
   mira signs in at the provider and allows notes:read notes:write
   POST PROVIDER/token authorization_code -> 200 scope=notes:read notes:write token_type=Bearer
 The client calls the tool again
   POST APP/mcp tools/call add_note -> 200 feed the cat (mira)
 A machine exchanges its key for a token
   GET APP/.well-known/oauth-protected-resource/mcp -> 200 resource=http://APP/mcp authorization_servers=http://PROVIDER,http://APP
   GET APP/.well-known/oauth-authorization-server -> 200 issuer=http://APP
   POST APP/oauth/token client_credentials -> 200 token_type=Bearer scope=notes:read notes:write
 It connects
   POST APP/mcp initialize -> 200 notes
   POST APP/mcp notifications/initialized -> 202
 It calls the same tool
   POST APP/mcp tools/call add_note -> 200 feed the cat (mira) | water the plants (night-shift)`;

/** Another process may take a port between the moment it was found free and the start, so it is tried again with others. */
async function startOnFreePorts(adapter: (typeof adapters)[number], attempts = 5) {
  const [port, providerPort] = [await freePort(), await freePort()];
  try {
    return { example: await startExample({ adapter, port, providerPort }), port, providerPort };
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    if (!isTaken || attempts === 1) throw error;
    return startOnFreePorts(adapter, attempts - 1);
  }
}

describe.each(adapters)('the example app with the MCP SDK on %s', (adapter) => {
  it('lets a person in who knows its address, asks for one more scope, and lets a machine in', async () => {
    const { example, port, providerPort } = await startOnFreePorts(adapter);
    endAfterwards(() => example.stop());
    const lines: string[] = [];
    await example.visit((line) => lines.push(line));
    const said = lines
      .join('\n')
      .replaceAll(`127.0.0.1:${port}`, 'APP')
      .replaceAll(`127.0.0.1:${providerPort}`, 'PROVIDER')
      .replace(/client_id=\S+/, 'client_id=ID')
      // When the client tries to open a stream, which it does beside the other requests, is left to it.
      .replaceAll('   GET APP/mcp -> 405 error=Method not allowed.\n', '');
    expect(said).toBe(steps.replace('ADAPTER', adapter));
    expect(said).not.toMatch(/eyJ|Basic /);
  });

  it('lets a client of the SDK 1.x in, which registers as well', async () => {
    const example = (await startOnFreePorts(adapter)).example;
    endAfterwards(() => example.stop());
    const person = new Person('theo', 'drawbridge');
    const open = () => new client1.StreamableHTTPClientTransport(example.address, { authProvider: person });
    let transport = open();
    await expect(new Client1({ name: 'test', version: '1.0.0' }).connect(transport)).rejects.toThrow('Unauthorized');
    await transport.finishAuth((await person.signIn()).get('code') ?? '');
    transport = open();
    const client = new Client1({ name: 'test', version: '1.0.0' });
    await client.connect(transport);
    endAfterwards(() => client.close());
    const addNote = () => client.callTool({ name: 'add_note', arguments: { text: 'feed the cat' } });
    await expect(addNote()).rejects.toThrow('Unauthorized');
    await transport.finishAuth((await person.signIn()).get('code') ?? '');
    expect((await addNote()).content).toEqual([{ type: 'text', text: 'feed the cat (theo)' }]);
    expect(person.askedScopes).toEqual(['notes:read', 'notes:read notes:write']);
  });

  it('does not let in whoever has the wrong password', async () => {
    const example = (await startOnFreePorts(adapter)).example;
    endAfterwards(() => example.stop());
    const person = new Person('theo', 'wrong');
    const transport = new StreamableHTTPClientTransport(example.address, { authProvider: person });
    await expect(new Client({ name: 'test', version: '1.0.0' }).connect(transport)).rejects.toThrow();
    await expect(person.signIn()).rejects.toThrow(/answered 401/);
  });
});

describe.each(platforms)('the app of the example on $name', (platform) => {
  let app: RunningApp;
  let address: URL;

  beforeAll(async () => {
    const { url: issuer } = await startIssuer();
    const port = await freePort();
    const publicUrl = `http://127.0.0.1:${port}`;
    address = new URL('/mcp', publicUrl);
    app = await startApp(platform, { imports: [AppModule.with({ publicUrl, issuer })], port });
  });

  function createKey(...scopes: string[]) {
    return app.nest.get(ApiKeyService).create({ userId: 'night-shift', scopes });
  }

  async function tokenFor(...scopes: string[]): Promise<string> {
    const { id, secret } = await createKey(...scopes);
    const form = { ...grant, client_id: id, client_secret: secret, resource: address.href };
    const { json } = await post({ app } as never, '/oauth/token', form);
    return (json as { access_token: string }).access_token;
  }

  function send(token: string, message: unknown) {
    const headers = [
      ['Content-Type', 'application/json'],
      ['Accept', 'application/json, text/event-stream'],
    ] as const;
    return app.call('/mcp', { method: 'POST', token, headers, body: JSON.stringify(message) });
  }

  const call = (name: unknown, id = 1) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name, arguments: { text: 'stolen' } },
  });

  it.each([
    ['alone', call('add_note')],
    ['in a list', [call('add_note')]],
    ['behind another call', [call('list_notes'), call('add_note', 2)]],
  ])('refuses a call without its scope, %s', async (_, message) => {
    const { status, headers } = await send(await tokenFor('notes:read'), message);
    expect(status).toBe(403);
    expect(headers['www-authenticate']).toContain('scope="notes:read notes:write"');
    expect((await send(await tokenFor('notes:read'), call('list_notes'))).text).not.toContain('stolen');
  });

  it.each(['constructor', '__proto__', 'toString', 'missing', null])('knows no tool %s', async (name) => {
    const answer = await send(await tokenFor('notes:read'), call(name));
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('error');
  });

  it('serves clients of the revision 2026-07-28 as well', async () => {
    const token = await tokenFor('notes:read');
    const client = new Client(
      { name: 'test', version: '1.0.0' },
      { versionNegotiation: { mode: { pin: '2026-07-28' } } },
    );
    const authProvider = { token: async () => token };
    await client.connect(new StreamableHTTPClientTransport(address, { authProvider }));
    endAfterwards(() => client.close());
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['list_notes', 'add_note']);
    const refused = client.callTool({ name: 'add_note', arguments: { text: 'stolen' } });
    await expect(refused).rejects.toMatchObject({ requiredScope: 'notes:read notes:write' });
  });

  it('is found out by its visitors where a machine lacks a scope, and where the metadata is missing', async () => {
    const lacking = visitAsMachine(address, await createKey('notes:read'), () => undefined);
    await expect(lacking).rejects.toThrow(/^"It calls the same tool" failed: /);
    const { url: issuer } = await startIssuer();
    const auth = AuthModule.forRoot({ issuers: oidc({ issuer, audience: 'https://api.example.com' }) });
    const bare = await startApp(platform, { imports: [auth], controllers: [McpController] });
    const lost = visitAsPerson(new URL('/mcp', bare.url), () => undefined);
    await expect(lost).rejects.toThrow(/^"The client finds out where to get a token, and registers" failed: /);
  });
});

it('names what is missing in a step', async () => {
  const journal = new Journal(() => undefined);
  await expect(journal.step('Something', ['GET /a 200'], async () => 1)).rejects.toThrow(
    '"Something" failed: expected GET /a 200; there was nothing',
  );
});
