import { describe, expect, it } from 'vitest';
import type { KeyState } from '../../../src/keys/key-source.js';
import { KeyHealth, type IssuerKeys } from '../../../src/token/issuer-keys.js';

const fresh: KeyState = {
  status: 'fresh',
  ageSeconds: 5,
  nextRefreshAt: new Date('2026-01-01T00:08:00Z'),
  lastError: null,
};

function healthOf(states: Readonly<Record<string, Partial<KeyState>>>): KeyHealth {
  const all = new Map(Object.entries(states).map(([issuer, state]) => [issuer, { ...fresh, ...state }]));
  return new KeyHealth({ states: () => all } as Pick<IssuerKeys, 'states'> as IssuerKeys);
}

describe('KeyHealth', () => {
  it('reports each issuer under the requested name, as plain JSON', () => {
    const lastError = 'b.example answered with status 503';
    const health = healthOf({ a: {}, b: { status: 'stale', ageSeconds: 700, nextRefreshAt: null, lastError } });
    const report = {
      auth: {
        status: 'up',
        issuers: {
          a: { status: 'fresh', ageSeconds: 5, nextRefreshAt: '2026-01-01T00:08:00.000Z', lastError: null },
          b: { status: 'stale', ageSeconds: 700, nextRefreshAt: null, lastError },
        },
      },
    };

    expect(health.isHealthy('auth')).toEqual(report);
    expect(JSON.parse(JSON.stringify(health.isHealthy('auth')))).toEqual(report);
    expect(Object.keys(health.isHealthy())).toEqual(['keys']);
  });

  it.each(['fresh', 'stale', 'unasked', 'fixed'] as const)('is up while keys are %s', (status) => {
    expect(healthOf({ a: { status } }).isHealthy()['keys']?.status).toBe('up');
  });

  it('is down as soon as the keys of one issuer are missing', () => {
    expect(healthOf({ a: {}, b: { status: 'missing' }, c: {} }).isHealthy()['keys']?.status).toBe('down');
  });
});
