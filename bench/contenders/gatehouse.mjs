// The package under test, configured as its README shows: one issuer, keys by address.
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AuthGuard, AuthModule, jwtIssuer, TokenVerifier } from 'nest-gatehouse';
import { audience, issuer } from '../rig/tokens.mjs';

/** @param {{ jwksUri: string, algorithm: string, cacheEntries?: number | false, now?: () => Date, more?: object[], toUser?: (user: object) => unknown, revocation?: boolean, resource?: boolean, dpop?: string }} config */
export function registerGatehouse({
  jwksUri,
  algorithm,
  cacheEntries,
  now,
  more = [],
  toUser,
  revocation,
  resource,
  dpop,
}) {
  const first = jwtIssuer({ issuer, audience, jwksUri, algorithms: [algorithm] });
  const others = more.map((other) => jwtIssuer({ audience, algorithms: [algorithm], ...other }));
  const cache = cacheEntries === false ? false : { maxEntries: cacheEntries };
  return AuthModule.forRoot({
    issuers: [first, ...others],
    ...(cacheEntries === undefined ? {} : { verifiedTokenCache: cache }),
    ...(now === undefined ? {} : { clock: { now } }),
    ...(toUser === undefined ? {} : { toUser }),
    ...(revocation === undefined ? {} : { revocation }),
    // Proofs name the address of the request.
    ...(dpop === undefined ? {} : { publicUrl: audience, dpop }),
    // The whole app is the resource that the tokens are meant for.
    ...(resource === true ? { publicUrl: audience, resource: { identifier: audience } } : {}),
  });
}

/** The module's parts without an HTTP server. */
export async function openGatehouse(config) {
  class Root {}
  Module({ imports: [registerGatehouse(config)] })(Root);
  return NestFactory.createApplicationContext(Root, { logger: false });
}

export const gatehouse = {
  name: 'gatehouse',
  ours: true,
  supports: () => true,
  /** Verification without a cache: every signature is checked. */
  async verifier(config) {
    const app = await openGatehouse({ cacheEntries: false, ...config });
    const verifier = app.get(TokenVerifier);
    return { verify: (token) => verifier.verify(token), close: () => app.close() };
  },
  guard: (config) => ({ imports: [registerGatehouse(config)], guard: AuthGuard }),
};

/** The same, in an app that is a protected resource. */
export const gatehouseResource = {
  ...gatehouse,
  name: 'gatehouse-resource',
  guard: (config) => gatehouse.guard({ ...config, resource: true }),
};
