/** The GraphQL engines that Nest supports, each on an HTTP platform that it supports. */
import type { DynamicModule } from '@nestjs/common';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { GraphQLModule } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { type Platform, platforms } from './app.js';

export interface GraphqlEngine {
  readonly name: string;
  readonly platform: Platform;
  /** Whether the engine adds the request to the context itself, whatever context the app creates. */
  readonly keepsRequest: boolean;
  /** The code that a client sees when the server ends its socket: Mercurius gives no access to the WebSocket, only to the connection. */
  readonly closeCode: 4403 | 1006;
  /** `extensions.code` of an error that is none of Nest's. */
  readonly faultCode: 'INTERNAL_SERVER_ERROR' | '';
  /** The module, with guards for field resolvers. */
  readonly importModule: (options?: { readonly context?: () => object }) => DynamicModule;
}

function platformNamed(name: string): Platform {
  const platform = platforms.find((known) => known.name === name);
  if (platform === undefined) throw new Error(`No platform is called ${name}`);
  return platform;
}

const shared = { autoSchemaFile: true, fieldResolverEnhancers: ['guards' as const] };

const apollo: Omit<GraphqlEngine, 'name' | 'platform'> = {
  keepsRequest: false,
  closeCode: 4403,
  faultCode: 'INTERNAL_SERVER_ERROR',
  importModule: (options) =>
    GraphQLModule.forRoot<ApolloDriverConfig>({
      driver: ApolloDriver,
      ...shared,
      ...options,
      graphiql: false,
      subscriptions: { 'graphql-ws': true },
    }),
};

export const graphqlEngines: readonly GraphqlEngine[] = [
  {
    name: 'Apollo',
    ...apollo,
    platform: platformNamed('Express'),
  },
  {
    name: 'Apollo on Fastify',
    ...apollo,
    platform: platformNamed('Fastify'),
  },
  {
    name: 'Mercurius',
    keepsRequest: true,
    closeCode: 1006,
    faultCode: '',
    platform: platformNamed('Fastify'),
    importModule: (options) =>
      GraphQLModule.forRoot<MercuriusDriverConfig>({
        driver: MercuriusDriver,
        ...shared,
        ...options,
        subscription: { fullWsTransport: true },
      }),
  },
];
