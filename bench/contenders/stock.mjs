// passport-jwt with jwks-rsa, by the recipe that both READMEs give (cache on, 5 key requests a minute at most),
// behind @nestjs/passport's AuthGuard('jwt').
import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import { load } from '../rig/results.mjs';
import { audience, issuer } from '../rig/tokens.mjs';

const { ExtractJwt, Strategy } = load('passport-jwt');
const { passportJwtSecret } = load('jwks-rsa');

function recipe({ jwksUri, algorithm, keyLifeMs }) {
  return {
    jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(),
    secretOrKeyProvider: passportJwtSecret({
      cache: true,
      rateLimit: true,
      jwksRequestsPerMinute: 5,
      jwksUri,
      ...(keyLifeMs === undefined ? {} : { cacheMaxAge: keyLifeMs }),
    }),
    issuer,
    audience,
    algorithms: [algorithm],
  };
}

export const stock = {
  name: 'stock',
  // jsonwebtoken, which passport-jwt uses, does not support EdDSA.
  supports: (algorithm) => algorithm !== 'EdDSA',
  async verifier(config) {
    const strategy = new Strategy(recipe(config), (payload, done) => done(null, payload));
    const verify = (token) =>
      new Promise((success, fail) => {
        // Passport also calls a strategy on an object that it creates per request.
        const attempt = Object.create(strategy);
        Object.assign(attempt, { success, fail, error: fail });
        attempt.authenticate({ headers: { authorization: `Bearer ${token}` } });
      });
    return { verify };
  },
  guard(config) {
    class JwtStrategy extends PassportStrategy(Strategy) {
      validate(payload) {
        return payload;
      }
    }
    const strategy = { provide: JwtStrategy, useFactory: () => new JwtStrategy(recipe(config)) };
    return { imports: [PassportModule], providers: [strategy], guard: AuthGuard('jwt') };
  },
};
