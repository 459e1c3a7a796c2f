/** Providers of policies: a class without a provider stops the app, and the provider of the handler's module takes precedence. */
import { Controller, Get } from '@nestjs/common';
import { AuthModule, ConfigurationError, oidc, type Policy, type PolicyAnswer, RequirePolicy } from 'nest-gatehouse';
import type { TestIssuer } from 'nest-gatehouse/testing';
import { beforeAll, describe, expect, it } from 'vitest';
import { platforms, startApp, startIssuer } from '../support/app.js';
import { accessDenied, verdictOf } from '../support/verdicts.js';

abstract class Weather implements Policy {
  abstract check(): PolicyAnswer;
}

/** A controller with one route at this path, which asks for good weather. */
function controllerAt(path: string) {
  @Controller(path)
  class WeatherController {
    @RequirePolicy(Weather)
    @Get()
    read(): string {
      return path;
    }
  }
  return WeatherController;
}

describe.each(platforms)('providers of policies on $name', (platform) => {
  let issuer: TestIssuer;

  beforeAll(async () => {
    issuer = await startIssuer();
  });

  const auth = () => AuthModule.forRoot({ issuers: oidc({ issuer: issuer.url, audience: 'api' }) });

  it.each([
    ['no module provides it', [], 'no module provides it. Add Weather to the providers of RootModule.'],
    [
      'it cannot check',
      [{}],
      'the instance that the app provides has no method check. Write a method check(user, context) that returns true or false.',
    ],
  ])('stop an app in which %s', async (_what, provided, message) => {
    const starting = startApp(platform, {
      imports: [auth()],
      controllers: [controllerAt('weather')],
      providers: provided.map((value) => ({ provide: Weather, useValue: value })),
    });
    const error: unknown = await starting.then(
      () => 'it started',
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as ConfigurationError).message).toBe(`@RequirePolicy(Weather): ${message}`);
  });

  it("of the handler's own module take precedence", async () => {
    const answering = (answer: boolean) => ({ provide: Weather, useValue: { check: () => answer } });
    class FineModule {}
    class RainModule {}
    const two = await startApp(platform, {
      imports: [
        auth(),
        { module: FineModule, controllers: [controllerAt('fine')], providers: [answering(true)] },
        { module: RainModule, controllers: [controllerAt('rain')], providers: [answering(false)] },
      ],
    });
    const token = await issuer.token({ sub: 'alice', aud: 'api' });
    expect((await two.call('/fine', { token })).status).toBe(200);
    expect(verdictOf(await two.call('/rain', { token }))).toEqual(accessDenied);
  });
});
