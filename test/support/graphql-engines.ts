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
  /** The module, with guards for field resolvers. */
  readonly importModule: (options?: { readonly context?: () => object }) => DynamicModule;
}

function platformNamed(name: string): Platform {
  const platform = platforms.find((known) => known.name === name);
  if (platform === undefined) throw new Error(`No platform is called ${name}`);
  return platform;
}

const shared = { autoSchemaFile: true, fieldResolverEnhancers: ['guards' as const] };

export const graphqlEngines: readonly GraphqlEngine[] = [
  {
    name: 'Apollo',
    keepsRequest: false,
    platform: platformNamed('Express'),
    importModule: (options) =>
      GraphQLModule.forRoot<ApolloDriverConfig>({
        driver: ApolloDriver,
        ...shared,
        ...options,
        graphiql: false,
        subscriptions: { 'graphql-ws': true },
      }),
  },
  {
    name: 'Mercurius',
    keepsRequest: true,
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
