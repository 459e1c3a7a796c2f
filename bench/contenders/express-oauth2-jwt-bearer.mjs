// express-oauth2-jwt-bearer, Auth0's middleware for Express, called from a guard: as plain middleware Nest would answer
// 500 to what it throws.
import { HttpException } from '@nestjs/common';
import { load } from '../rig/results.mjs';
import { audience, issuer } from '../rig/tokens.mjs';

const { auth } = load('express-oauth2-jwt-bearer');

function middlewareFor({ jwksUri, algorithm, keyLifeMs }) {
  const life = keyLifeMs === undefined ? {} : { cacheMaxAge: keyLifeMs };
  return auth({ issuer, audience, jwksUri, tokenSigningAlg: algorithm, ...life });
}

function call(middleware, request, response) {
  return new Promise((done, fail) => {
    middleware(request, response, (error) => (error === undefined ? done(request.auth?.payload) : fail(error)));
  });
}

export const expressOauth2 = {
  name: 'express-oauth2-jwt-bearer',
  expressOnly: true,
  supports: () => true,
  async verifier(config) {
    const middleware = middlewareFor(config);
    const verify = (token) => {
      const headers = { authorization: `Bearer ${token}` };
      return call(middleware, { headers, query: {}, method: 'GET', url: '/', is: () => false }, {});
    };
    return { verify };
  },
  guard(config) {
    const middleware = middlewareFor(config);
    const guard = {
      async canActivate(context) {
        const http = context.switchToHttp();
        try {
          await call(middleware, http.getRequest(), http.getResponse());
        } catch (error) {
          throw new HttpException(error.message, error.status ?? 500);
        }
        return true;
      },
    };
    return { guard };
  },
};
