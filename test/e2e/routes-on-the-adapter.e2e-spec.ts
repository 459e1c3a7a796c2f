import type { ServerResponse } from 'node:http';
import {
  Controller,
  ForbiddenException,
  Get,
  type INestApplication,
  type Provider,
  VersioningType,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { describe, expect, it } from 'vitest';
import { platforms, startApp } from '../support/app.js';
import { publishingModule } from '../support/issuing-app.js';
import { openApp } from '../support/shared-signing-keys.js';

/** A route of the app that matches every path. */
@Controller()
class CatchAllController {
  @Get('*')
  answer(): object {
    return { caught: true };
  }
}

const refuses = {
  canActivate: () => false,
  transform: (): never => {
    throw new ForbiddenException();
  },
  intercept: (): never => {
    throw new ForbiddenException();
  },
  catch: (): never => {
    throw new ForbiddenException();
  },
};

/** An app in which everything that Nest has refuses. */
const refusingProviders: Provider[] = [APP_GUARD, APP_PIPE, APP_INTERCEPTOR, APP_FILTER].map((provide) => ({
  provide,
  useValue: refuses,
}));

const page = [
  ['Origin', 'https://page.example'],
  ['Access-Control-Request-Method', 'GET'],
  ['Access-Control-Request-Headers', 'mcp-protocol-version'],
] as const;

const jwks = '/.well-known/jwks.json';
const metadata = '/.well-known/oauth-authorization-server';

/** What apps do to all of their routes. */
const settings: Readonly<Record<string, (nest: INestApplication) => unknown>> = {
  'a global prefix': (nest) => nest.setGlobalPrefix('api'),
  'versions in the URL': (nest) => nest.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' }),
  'versions in a header': (nest) =>
    nest.enableVersioning({ type: VersioningType.HEADER, header: 'X-Version', defaultVersion: '2' }),
  'versions in the media type': (nest) =>
    nest.enableVersioning({ type: VersioningType.MEDIA_TYPE, key: 'v=', defaultVersion: '2' }),
  'CORS for other pages': (nest) => {
    nest.enableCors({ origin: 'https://app.example', credentials: true });
  },
  'CORS for pages that a function accepts': (nest) => {
    nest.enableCors({
      origin: (_origin: string, done: (error: null, accepted: boolean) => void) => {
        done(null, false);
      },
      credentials: true,
    });
  },
};

describe.each(platforms)('the published keys of an app on $name', (platform) => {
  it.each(Object.entries(settings))('with %s', async (_, prepare) => {
    const opened = openApp();
    const keys = opened.start();
    const running = await startApp(platform, {
      imports: [publishingModule({ app: opened, findSigningKeys: () => keys })],
      controllers: [CatchAllController],
      providers: refusingProviders,
      prepare: (nest) => {
        prepare(nest);
      },
    });
    const headers = [
      ['Origin', 'https://page.example'],
      ['X-Version', '1'],
      ['Accept', 'application/json;v=1'],
    ] as const;

    for (const path of [jwks, metadata]) {
      const answer = await running.call(path, { headers });
      expect(answer.status).toBe(200);
      expect(answer.headers['access-control-allow-origin']).toBe('*');
      expect(answer.headers['access-control-allow-credentials']).toBeUndefined();
      const preflight = await running.call(path, { method: 'OPTIONS', headers: page });
      expect([preflight.status, preflight.headers['access-control-allow-origin']]).toEqual([204, '*']);
      expect(preflight.headers['access-control-allow-headers']).toBe('mcp-protocol-version');
      expect(preflight.headers['access-control-allow-credentials']).toBeUndefined();
    }
    expect((await running.call('/oauth/authorize')).json).toEqual({ error: 'unsupported_response_type' });
  });

  it('with middleware of its own, which is called for them too', async () => {
    const opened = openApp();
    const keys = opened.start();
    const running = await startApp(platform, {
      imports: [publishingModule({ app: opened, findSigningKeys: () => keys })],
      prepare: (nest) => {
        nest.use((_: unknown, response: { setHeader: (name: string, value: string) => void }, next: () => void) => {
          response.setHeader('X-Frame-Options', 'DENY');
          next();
        });
      },
    });
    const answer = await running.call(jwks);

    expect([answer.status, answer.headers['x-frame-options']]).toEqual([200, 'DENY']);
  });

  it('with middleware that has answered before them, as one with a limit in time does', async () => {
    const opened = openApp();
    const keys = opened.start();
    const unhandled: unknown[] = [];
    const note = (error: unknown): unknown => unhandled.push(error);
    process.on('unhandledRejection', note);
    const running = await startApp(platform, {
      imports: [publishingModule({ app: opened, findSigningKeys: () => keys })],
      prepare: (nest) =>
        nest.use((_request: unknown, response: ServerResponse, next: () => void) => {
          response.statusCode = 503;
          response.end('too late');
          next();
        }),
    });
    for (const path of [jwks, metadata])
      expect(await running.call(path)).toMatchObject({ status: 503, text: 'too late' });
    await running.nest.close();
    // What is unhandled is reported after the microtasks of this turn.
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  it('with addresses and a second metadata path by publicUrl and issuer', async () => {
    const opened = openApp();
    const keys = opened.start();
    const running = await startApp(platform, {
      imports: [
        publishingModule({
          app: opened,
          findSigningKeys: () => keys,
          issuer: 'https://id.example.com/tenants/a:b/',
          publicUrl: 'https://api.example.com/v1',
        }),
      ],
      prepare: (nest) => {
        nest.setGlobalPrefix('api');
      },
    });
    const expected = {
      issuer: 'https://id.example.com/tenants/a:b/',
      jwks_uri: 'https://api.example.com/v1/.well-known/jwks.json',
      authorization_endpoint: 'https://api.example.com/v1/oauth/authorize',
    };

    expect((await running.call(metadata)).json).toMatchObject(expected);
    expect((await running.call(`${metadata}/tenants/a:b`)).json).toMatchObject(expected);
    expect((await running.call(`${metadata}/tenants/c:d`)).status).toBe(404);
  });
});
