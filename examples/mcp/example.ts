import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ApiKeyService } from 'nest-gatehouse/api-keys';
import { DemoProvider } from '../playground/provider/demo-provider.js';
import { host } from '../playground/settings.js';
import { AppModule, type AppOptions } from './app.module.js';
import { visitAsMachine, visitAsPerson } from './client.js';
import type { Say } from './journal.js';

const createAdapter = { express: () => new ExpressAdapter(), fastify: () => new FastifyAdapter() };

export type Adapter = keyof typeof createAdapter;

export const adapters = ['express', 'fastify'] as const satisfies readonly Adapter[];

export function isAdapter(text: string): text is Adapter {
  return Object.hasOwn(createAdapter, text);
}

export interface ExampleOptions {
  readonly adapter: Adapter;
  readonly port: number;
  readonly providerPort: number;
}

export interface Example {
  /** The address of the MCP server. */
  readonly address: URL;
  /** Lets a person and a machine visit it. */
  visit(say: Say): Promise<void>;
  stop(): Promise<void>;
}

/** Starts the provider of the playground, and the app. */
export async function startExample({ adapter, port, providerPort }: ExampleOptions): Promise<Example> {
  const publicUrl = `http://${host}:${port}`;
  const address = new URL('/mcp', publicUrl);
  const provider = await DemoProvider.start({ port: providerPort, pageUrl: publicUrl, resource: address.href });
  const app = await startApp(adapter, { publicUrl, issuer: provider.issuer }, port).catch(async (error: unknown) => {
    await provider.stop();
    throw error;
  });
  return {
    address,
    visit: async (say) => {
      say(`\nAn MCP server on ${adapter}: ${address.href}`);
      await visitAsPerson(address, say);
      const scopes = ['notes:read', 'notes:write'];
      const key = await app.get(ApiKeyService).create({ userId: 'night-shift', name: 'Night shift', scopes });
      await visitAsMachine(address, key, say);
    },
    stop: async () => {
      await Promise.all([app.close(), provider.stop()]);
    },
  };
}

async function startApp(adapter: Adapter, options: AppOptions, port: number): Promise<INestApplication> {
  const app = await NestFactory.create(AppModule.with(options), createAdapter[adapter](), {
    logger: ['error', 'warn'],
    // A failed start is reported by main.ts.
    abortOnError: false,
    forceCloseConnections: true,
  });
  await app.listen(port, host);
  return app;
}
