// The entries whose peers are optional, in a project that has them.
import { IoAdapter } from '@nestjs/platform-socket.io';
import { AuthModule, oidc } from 'nest-gatehouse';
import { microservices } from 'nest-gatehouse/microservices';
import { webSockets, withAuth } from 'nest-gatehouse/websockets';
import { expect, it } from 'vitest';

it('registers the transports that the project has', () => {
  const module = AuthModule.forRoot({
    issuers: oidc({ issuer: 'https://issuer.example', audience: 'api' }),
    transports: [webSockets(), microservices({ tokenOf: (context) => context.switchToRpc().getData<string>() })],
  });
  expect(module.module).toBe(AuthModule);
  expect(withAuth(IoAdapter).prototype).toBeInstanceOf(IoAdapter);
});
