import {
  Client,
  discoverAuthorizationServerMetadata,
  discoverOAuthProtectedResourceMetadata,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import { Journal, type Say, textOf } from './journal.js';
import { Person } from './person.js';

const name = { name: 'example-client', version: '1.0.0' };
const metadata = '/.well-known/oauth-protected-resource/mcp';

/**
 * A client that knows the address of an MCP server and nothing else, with a person in front of it.
 *
 * @throws {Error} which names the step that failed
 */
export async function visitAsPerson(address: URL, say: Say): Promise<void> {
  const journal = new Journal(say);
  const person = new Person('mira', 'gatehouse');
  const open = () => new StreamableHTTPClientTransport(address, { authProvider: person, fetch: journal.fetch });
  let transport = open();
  const client = new Client(name);

  await journal.step(
    'The client finds out where to get a token, and registers',
    ['POST /mcp 401', `GET ${metadata} 200`, 'GET /.well-known/oauth-authorization-server 200', 'POST /reg 201'],
    () => endsAtSignIn(() => new Client(name).connect(transport)),
  );
  await journal.step('The person signs in', ['POST /token 200'], () => signIn('notes:read'));
  transport = open();
  await journal.step('The client connects', ['POST /mcp 200'], () => client.connect(transport));
  await journal.step('It calls a tool', ['POST /mcp 200'], async () =>
    expectEnd(await client.callTool({ name: 'list_notes', arguments: {} }), 'no notes'),
  );
  await journal.step('It calls a tool that needs one more scope', ['POST /mcp 403'], () => endsAtSignIn(addNote));
  await journal.step('The person allows that too', ['POST /token 200'], () => signIn('notes:read notes:write'));
  await journal.step('The client calls the tool again', ['POST /mcp 200'], async () =>
    expectEnd(await addNote(), 'feed the cat (mira)'),
  );
  await client.close();

  async function signIn(scope: string): Promise<void> {
    const asked = person.askedScopes.at(-1);
    if (asked !== scope) throw new Error(`the client asks for "${String(asked)}" in place of "${scope}"`);
    const back = await person.signIn();
    journal.note(`mira signs in at the provider and allows ${scope}`);
    await transport.finishAuth(back);
  }

  function addNote() {
    return client.callTool({ name: 'add_note', arguments: { text: 'feed the cat' } });
  }
}

/**
 * A client without a person. It has the id and the secret of an API key of the app.
 *
 * @throws {Error} which names the step that failed
 */
export async function visitAsMachine(address: URL, key: Key, say: Say): Promise<void> {
  const journal = new Journal(say);
  const client = new Client(name);

  const token = await journal.step(
    'A machine exchanges its key for a token',
    [`GET ${metadata} 200`, 'GET /.well-known/oauth-authorization-server 200', 'POST /oauth/token 200'],
    () => exchange(address, key, journal),
  );
  await journal.step('It connects', ['POST /mcp 200'], () => {
    const authProvider = { token: async () => token };
    return client.connect(new StreamableHTTPClientTransport(address, { authProvider, fetch: journal.fetch }));
  });
  await journal.step('It calls the same tool', ['POST /mcp 200'], async () =>
    expectEnd(
      await client.callTool({ name: 'add_note', arguments: { text: 'water the plants' } }),
      'water the plants (night-shift)',
    ),
  );
  await client.close();
}

export interface Key {
  readonly id: string;
  readonly secret: string;
}

/** Client credentials (RFC 6749 §4.4) at the authorization server that is the app itself: nobody else is told the secret. */
async function exchange(address: URL, { id, secret }: Key, { fetch }: Journal): Promise<string> {
  const { resource, authorization_servers: servers } = await discoverOAuthProtectedResourceMetadata(address, {}, fetch);
  const own = servers?.find((server) => new URL(server).origin === address.origin);
  const issuer = own === undefined ? undefined : await discoverAuthorizationServerMetadata(own, { fetchFn: fetch });
  if (issuer === undefined) throw new Error('the app issues no tokens');
  const answer = await fetch(issuer.token_endpoint, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`${id}:${secret}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource }),
  });
  const { access_token: token } = (await answer.json()) as { access_token?: string };
  if (token === undefined) throw new Error('the app has issued no token');
  return token;
}

/** Does something that the client cannot do before the person has signed in. */
async function endsAtSignIn(act: () => Promise<unknown>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (error instanceof UnauthorizedError) return;
    throw error;
  }
  throw new Error('nobody had to sign in');
}

function expectEnd(result: Parameters<typeof textOf>[0], end: string): void {
  if (!textOf(result).endsWith(end)) throw new Error(`the tool answered "${textOf(result)}"`);
}
