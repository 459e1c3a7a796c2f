// Starts a Nest app on Express and prints the milliseconds from the start of the process to listening.
import 'reflect-metadata';
import { Controller, Get, Module, UseGuards } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

const guards = {
  without: async () => ({ imports: [] }),
  gatehouse: async () => {
    const { AuthGuard, AuthModule, jwtIssuer } = await import('nest-gatehouse');
    const issuers = jwtIssuer({
      issuer: 'https://issuer.example',
      audience: 'api',
      jwksUri: 'http://127.0.0.1:9/jwks',
    });
    return { imports: [AuthModule.forRoot({ issuers })], guard: AuthGuard };
  },
  stock: async () => {
    const { AuthGuard, PassportModule, PassportStrategy } = await import('@nestjs/passport');
    const { default: passportJwt } = await import('passport-jwt');
    const { default: jwksRsa } = await import('jwks-rsa');
    class JwtStrategy extends PassportStrategy(passportJwt.Strategy) {}
    const make = () =>
      new JwtStrategy({
        jwtFromRequest: passportJwt.ExtractJwt.fromAuthHeaderAsBearerToken(),
        secretOrKeyProvider: jwksRsa.passportJwtSecret({
          cache: true,
          rateLimit: true,
          jwksUri: 'http://127.0.0.1:9/jwks',
        }),
      });
    return {
      imports: [PassportModule],
      providers: [{ provide: JwtStrategy, useFactory: make }],
      guard: AuthGuard('jwt'),
    };
  },
};

class Routes {
  me() {
    return { ok: true };
  }
}
class Root {}

const { imports, providers = [], guard } = await guards[process.argv[2]]();
Controller()(Routes);
const me = Object.getOwnPropertyDescriptor(Routes.prototype, 'me');
Get('me')(Routes.prototype, 'me', me);
if (guard !== undefined) UseGuards(guard)(Routes.prototype, 'me', me);
Module({ imports, providers, controllers: [Routes] })(Root);

const app = await NestFactory.create(Root, { logger: false });
await app.listen(0, '127.0.0.1');
process.stdout.write(JSON.stringify({ ms: performance.now(), cpuMs: process.cpuUsage().user / 1e3 }));
process.exit();
