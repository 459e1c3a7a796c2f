/** The contract of transport plugins, which the package exports for apps' own, run by those that are here. */
import { describeTransportPlugin, type TransportUnderTest } from 'nest-gatehouse/testing';
import { microservices } from 'nest-gatehouse/microservices';
import { webSockets } from 'nest-gatehouse/websockets';
import type { TransportPlugin } from 'nest-gatehouse';
import { describe, expect, it } from 'vitest';
import { bot } from '../support/bot.js';

const openBot = (plugin: TransportPlugin = bot()): TransportUnderTest => ({
  plugin,
  createArguments: (headers) => [{ text: 'hello', headers }],
});

/** A client as socket.io makes it. */
function socketWith(headers: Readonly<Record<string, string>>): object {
  const disconnect = (): void => {};
  return { handshake: { headers, auth: {} }, request: { headers }, connected: true, emit: disconnect, disconnect };
}

describeTransportPlugin('bot()', openBot, { describe, it });
describeTransportPlugin(
  'webSockets()',
  () => ({ plugin: webSockets(), createArguments: (headers) => [socketWith(headers), { text: 'hello' }, 'say'] }),
  { describe, it },
);
describeTransportPlugin(
  'microservices()',
  () => ({
    plugin: microservices(),
    createArguments: (headers) => [{ text: 'hello' }, { getHeaders: () => headers }],
  }),
  { describe, it },
);

/** The titles of the tests that fail. */
async function failuresOf(under: TransportUnderTest): Promise<string[]> {
  const tests = new Map<string, () => Promise<void>>();
  const runner = {
    describe: (_: string, define: () => void) => {
      define();
    },
    it: (title: string, test: () => Promise<void>) => tests.set(title, test),
  };
  describeTransportPlugin('of this test', () => under, runner);
  const failed: string[] = [];
  for (const [title, test] of tests) await test().catch(() => failed.push(title));
  return failed;
}

/** The bot, with some members of its transport replaced. */
function botWith(members: object): TransportPlugin {
  return {
    contextType: 'bot',
    open: (context) =>
      bot()
        .open(context)
        .map((opened) => Object.assign(opened, members)),
  };
}

describe('describeTransportPlugin', () => {
  it('has no complaint about the plugin that the others here are made from', async () => {
    expect(await failuresOf(openBot())).toEqual([]);
  });

  it('fails a plugin for contexts of a type that it does not open', async () => {
    const failed = await failuresOf(openBot({ ...bot(), contextType: 'robot' }));
    expect(failed).toContain('opens transports for contexts of different types, its own among them');
  });

  it('fails a transport that shows another request to each guard, or one for all calls', async () => {
    const title = 'shows one request for all guards of a call, and another one for each call';
    const headers = (): string[] => [];
    expect(await failuresOf(openBot(botWith({ view: () => ({ request: {}, headers }) })))).toContain(title);
    const request = {};
    expect(await failuresOf(openBot(botWith({ view: () => ({ request, headers }) })))).toContain(title);
  });

  it('fails a transport that keeps the user of one call for all, or for none', async () => {
    expect(await failuresOf(openBot(botWith({ setUser: () => {} })))).toEqual([
      'keeps the user for the decorators of the handler',
      'keeps the users of two calls apart',
    ]);
    const shared = { text: 'hello', headers: {} };
    const under = { ...openBot(), createArguments: () => [shared] };
    expect(await failuresOf(under)).toContain('keeps the users of two calls apart');
  });

  it('fails a transport whose exception tells what is for the log, or does not name its cause', async () => {
    const title = 'makes an exception of every answer, without what is for the log alone';
    const telling = botWith({
      toException: (_: unknown, error: Error & { explanation: string }) =>
        new Error(error.explanation, { cause: error }),
    });
    expect(await failuresOf(openBot(telling))).toEqual([title]);
    expect(await failuresOf(openBot(botWith({ toException: () => new Error('refused') })))).toEqual([title]);
  });
});
