/** The requirement that `@StepUp` writes, and the options that it refuses, when the class is loaded. */
import { describe, expect, it } from 'vitest';
import { nameOf, type Requirement } from '../../../src/access/requirement.js';
import { readRequirements } from '../../../src/access/route-metadata.js';
import { StepUp, type StepUpOptions } from '../../../src/decorators/step-up.decorator.js';
import { bringsAuthGuard } from '../../../src/guard/nest-internals.js';
import { configurationErrorOf } from '../../support/outcome.js';

describe('@StepUp', () => {
  it.each<[StepUpOptions, object, string]>([
    [{ acr: 'gold' }, { acr: ['gold'], amr: [], maxAgeSeconds: null }, 'sign-in with acr: gold'],
    [
      { acr: ['gold', 'silver', 'gold'], amr: ['pop'], maxAgeSeconds: 300 },
      { acr: ['gold', 'silver'], amr: ['pop'], maxAgeSeconds: 300 },
      'sign-in at most 300 s ago, with amr: pop, with one of the acr: gold, silver',
    ],
    [{ maxAgeSeconds: 1 }, { acr: null, amr: [], maxAgeSeconds: 1 }, 'sign-in at most 1 s ago'],
    [
      { acr: 'urn:mace:incommon:iap:silver' },
      { acr: ['urn:mace:incommon:iap:silver'], amr: [], maxAgeSeconds: null },
      'sign-in with acr: urn:mace:incommon:iap:silver',
    ],
  ])('reads %j, and includes the guard', (options, expected, name) => {
    @StepUp(options)
    class Cats {}
    const [requirement] = readRequirements(Cats);
    expect(requirement).toEqual({ kind: 'step-up', ...expected });
    expect(nameOf(requirement as Requirement)).toBe(name);
    expect(bringsAuthGuard(Cats)).toBe(true);
  });

  it.each<[unknown, string, RegExp]>([
    [undefined, '@StepUp', /an object of options is expected/],
    [[], '@StepUp', /an object of options is expected/],
    [{}, '@StepUp', /it requires nothing\. Write/],
    [{ acr: undefined }, '@StepUp', /it requires nothing/],
    [{ maxAge: 300 }, '@StepUp({ maxAge })', /there is no option of this name/],
    [{ acr: '' }, '@StepUp({ acr })', /not a value of acr/],
    [{ acr: 'gold silver' }, '@StepUp({ acr })', /not a value of acr/],
    [{ acr: 'a"b' }, '@StepUp({ acr })', /not a value of acr/],
    [{ acr: [] }, '@StepUp({ acr })', /names no value of acr/],
    [{ acr: 1 }, '@StepUp({ acr })', /not a value of acr/],
    [{ acr: null }, '@StepUp({ acr })', /not a value of acr/],
    [{ acr: ['gold', 1] }, '@StepUp({ acr })', /not a value of acr/],
    [{ amr: 'pop' }, '@StepUp({ amr })', /not a value of amr.*\['pop'\]/],
    [{ amr: [] }, '@StepUp({ amr })', /names no value of amr/],
    [{ maxAgeSeconds: 0 }, '@StepUp({ maxAgeSeconds })', /a whole number from 1 to 31536000/],
    [{ maxAgeSeconds: 1.5 }, '@StepUp({ maxAgeSeconds })', /a whole number/],
    [{ maxAgeSeconds: '300' }, '@StepUp({ maxAgeSeconds })', /a whole number/],
    [{ maxAgeSeconds: Number.NaN }, '@StepUp({ maxAgeSeconds })', /a whole number/],
  ])('refuses %j', (options, path, message) => {
    const error = configurationErrorOf(() => StepUp(options as StepUpOptions));
    expect(error.path).toBe(path);
    expect(error.message).toMatch(message);
  });
});
