/** A route that asks of the issuers what none of them can do stops the app, where it would be a 500 at each request. */
import { Controller, Get } from '@nestjs/common';
import { type Authentication, AuthenticationScheme, AuthModule, type IdentityProvider } from 'nest-gatehouse';
import { jwtIssuer, oidc, RefusalError, RequireProfile, VerifyOnline } from 'nest-gatehouse';
import { describe, expect, it } from 'vitest';
import { platforms, startApp } from '../support/app.js';

@Controller('cats')
class OnlineController {
  @VerifyOnline()
  @Get()
  list(): string[] {
    return [];
  }
}

@RequireProfile()
@Controller('dogs')
class ProfileController {
  @Get()
  list(): string[] {
    return [];
  }
}

const secret = 'a secret of at least thirty-two bytes';
const byHand = jwtIssuer({ issuer: 'https://hand.example', audience: 'api', secret });
const plain = oidc({ issuer: 'https://plain.example', audience: 'api' });
const asked = oidc({
  issuer: 'https://asked.example',
  audience: 'api',
  introspection: { clientId: 'api', clientSecret: 'secret' },
});

/** A scheme that finds no credential, and could confirm one online. */
class ConfirmingScheme extends AuthenticationScheme {
  override readonly name = 'confirming';

  override find(): undefined {
    return undefined;
  }

  override authenticate(): Authentication {
    throw RefusalError.token('key', 'There is no credential of this scheme');
  }

  override authenticateOnline(): Authentication {
    return this.authenticate();
  }

  override challenge(): null {
    return null;
  }
}

describe.each(platforms)('routes on $name', (platform) => {
  const start = (controller: new () => object, ...issuers: IdentityProvider[]) =>
    startApp(platform, { imports: [AuthModule.forRoot({ issuers })], controllers: [controller] });

  it('cannot require introspection that no issuer supports', async () => {
    await expect(start(OnlineController, plain)).rejects.toThrow(
      /^oidc.*introspection.*OnlineController\.list requires @VerifyOnline\(\), which no issuer supports/,
    );
    await expect(start(OnlineController, byHand)).rejects.toThrow(/OnlineController\.list requires @VerifyOnline\(\)/);
  });

  it('cannot require profiles that no issuer has', async () => {
    await expect(start(ProfileController, byHand)).rejects.toThrow(
      /^jwtIssuer.*profiles.*ProfileController\.list requires @RequireProfile\(\), which no issuer supports/,
    );
  });

  it('may require what at least one issuer supports', async () => {
    expect((await (await start(OnlineController, byHand, asked)).call('/cats')).status).toBe(401);
    expect((await (await start(ProfileController, byHand, plain)).call('/dogs')).status).toBe(401);
  });

  it('may require a confirmation that a scheme of the app gives', async () => {
    const imports = [AuthModule.forRoot({ issuers: plain, schemes: [new ConfirmingScheme()] })];
    const app = await startApp(platform, { imports, controllers: [OnlineController] });
    expect((await app.call('/cats')).status).toBe(401);
  });
});
