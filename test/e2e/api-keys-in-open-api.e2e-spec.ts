/** API keys in an OpenAPI document: Basic, Bearer, the header, and the token endpoint as a flow with the scopes of the routes. */
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { applyAuthToOpenApi } from 'nest-gatehouse';
import { describe, expect, it } from 'vitest';
import { platforms } from '../support/app.js';
import { startKeyStoreApp } from '../support/key-store-app.js';
import { publicUrl } from '../support/session-app.js';

describe.each(platforms)('the document of an app with API keys on $name', (platform) => {
  const documentOf = async (keys: object, auth: object = {}) => {
    const { app } = await startKeyStoreApp(platform, { keys, auth });
    const document = SwaggerModule.createDocument(app.nest, new DocumentBuilder().setOpenAPIVersion('3.1.0').build());
    return applyAuthToOpenApi(document, app.nest);
  };

  it('lists how keys are sent, and how they are exchanged', async () => {
    const { components, paths } = await documentOf({ tokenEndpoint: true });
    expect(components?.securitySchemes).toMatchObject({
      bearer: { type: 'http', scheme: 'bearer' },
      'x-api-key': { type: 'apiKey', in: 'header', name: 'x-api-key' },
      basic: { type: 'http', scheme: 'basic' },
      clientCredentials: {
        type: 'oauth2',
        flows: { clientCredentials: { tokenUrl: `${publicUrl}/oauth/token`, scopes: { 'cats:write': '' } } },
      },
    });
    expect(paths['/adopt']?.get?.security).toContainEqual({ clientCredentials: ['cats:write'] });
    expect(paths['/caller']?.get?.security).toContainEqual({ basic: [] });
  });

  it('lists at a route what it accepts', async () => {
    const { paths } = await documentOf({ tokenEndpoint: true }, { dpop: 'accept' });
    const schemesOf = (path: string): string[] =>
      (paths[path]?.get?.security ?? []).flatMap((one) => Object.keys(one)).sort();
    expect(schemesOf('/caller')).toEqual(['basic', 'bearer', 'clientCredentials', 'dpop', 'x-api-key']);
    expect(schemesOf('/people')).toEqual(['bearer', 'clientCredentials', 'dpop', 'x-api-key']);
    expect(schemesOf('/machines')).toEqual(['basic', 'bearer', 'x-api-key']);
  });

  it('lists neither Basic nor the flow where they are off', async () => {
    const { components } = await documentOf({ basic: false });
    expect(Object.keys(components?.securitySchemes ?? {}).sort()).toEqual(['bearer', 'x-api-key']);
  });
});
