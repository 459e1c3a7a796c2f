import { describe, expect, it } from 'vitest';
import { IndexedKeySet } from '../../../src/keys/key-set.js';
import { StaticKeySource } from '../../../src/keys/key-source.js';
import { IssuerRegistry } from '../../../src/token/issuer-registry.js';
import type { TrustedIssuer } from '../../../src/token/trusted-issuer.js';
import { issuerTerms, localIssuer } from '../../support/issuer-terms.js';
import { errorOf, outcomeOf } from '../../support/outcome.js';

const keys = new StaticKeySource(new IndexedKeySet([]));

function trusted(issuer: string): TrustedIssuer {
  return localIssuer(issuerTerms({ issuer }), keys);
}

const names = ['https://a.example', 'https://b.example/', 'plain name'];
const registry = new IssuerRegistry(names.map(trusted), new Map([['https://known.example', 'Turn it on']]));

describe('IssuerRegistry', () => {
  it.each(names)('finds %s by its exact name', (name) => {
    expect(registry.get(name).terms.issuer).toBe(name);
  });

  it.each([
    'https://a.example/',
    'https://b.example',
    'HTTPS://a.example',
    'https://A.example',
    'https://a.example:443',
    'https://a.example ',
    'https://a.example/x',
    'https://a.example\0',
    'https://known.example',
    '',
    '__proto__',
    'constructor',
    'toString',
  ])('does not find %j', async (iss) => {
    expect(await outcomeOf(() => registry.get(iss))).toBe('INVALID_TOKEN issuer');
  });

  it.each([undefined, null, 0, true, {}, ['https://a.example'], { toString: () => 'https://a.example' }])(
    'does not accept %j as a name',
    async (iss) => {
      const error = await errorOf(() => registry.get(iss));

      expect([error?.reason, error?.explanation]).toEqual([
        'issuer',
        'The token names no issuer: its "iss" is missing or not a text',
      ]);
    },
  );

  it('states the fix for an unknown issuer, a trailing slash, and a disabled issuer', async () => {
    const explain = async (iss: string): Promise<string | undefined> =>
      (await errorOf(() => registry.get(iss)))?.explanation;

    expect(await explain('https://evil.example')).toBe(
      'Expected issuer "https://a.example" or "https://b.example/" or "plain name", ' +
        'the token says "https://evil.example". If it should be trusted, add it to the issuers',
    );
    expect(await explain('https://a.example/projects/other')).toBe(
      'Expected issuer "https://a.example" or "https://b.example/" or "plain name", the token says ' +
        '"https://a.example/projects/other". Both are names of one server: if the token belongs to this app, the option that ' +
        'names the issuer is wrong (issuer, projectId, realm, tenantId, userPoolId, as the preset calls it); otherwise the ' +
        'token is from another project or environment',
    );
    expect(await explain('plain name too')).toMatch(/add it to the issuers$/);
    expect(await explain('https://a.example/')).toMatch(/differ by a slash at the end only/);
    expect(await explain('https://b.example')).toMatch(/differ by a slash at the end only/);
    expect(await explain('https://known.example')).toBe('Turn it on');
  });

  it('writes a hostile name on one line, quoted and cut', async () => {
    const hostile = `https://x.example\r\n[Nest] ERROR "all is lost" \u001b[31m\u202e\u2028${'x'.repeat(500)}`;
    const explanation = (await errorOf(() => registry.get(hostile)))?.explanation ?? '';

    expect(explanation).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
    expect(explanation).toContain('\\u000d\\u000a[Nest] ERROR \\"all is lost\\"');
    expect(explanation.length).toBeLessThan(600);
  });

  it('lists its issuers in order', () => {
    expect(registry.all().map(({ terms }) => terms.issuer)).toEqual(names);
  });
});
