import { ConfigurationError } from '../errors/auth-error.js';
import type { Requirement, StepUpRequirement } from './requirement.js';

/**
 * Combines what a handler and its classes require of the sign-in into one requirement, so that one sign-in satisfies all: the
 * values of `acr` that all of them accept, all methods of `amr`, and the smallest age.
 *
 * @param nameHandler for the message
 * @throws {ConfigurationError} when they have no `acr` in common: a token has only one.
 */
export function combineStepUps(all: readonly Requirement[], nameHandler: () => string): Requirement[] {
  const [first, ...more] = all.filter((requirement) => requirement.kind === 'step-up');
  if (first === undefined) return [...all];
  const combined = more.reduce(combineTwo, first);
  if (combined.acr?.length === 0) {
    throw new ConfigurationError(
      '@StepUp({ acr })',
      `the decorators of ${nameHandler()} and its class have no acr in common, and a token has only one`,
      'Name an acr that satisfies the handler on the class too',
    );
  }
  return [...all.filter(({ kind }) => kind !== 'step-up'), combined];
}

function combineTwo(one: StepUpRequirement, other: StepUpRequirement): StepUpRequirement {
  const ages = [one.maxAgeSeconds, other.maxAgeSeconds].filter((age) => age !== null);
  return {
    kind: 'step-up',
    acr: one.acr === null || other.acr === null ? (one.acr ?? other.acr) : both(one.acr, other.acr),
    amr: [...new Set([...one.amr, ...other.amr])],
    maxAgeSeconds: ages.length === 0 ? null : Math.min(...ages),
  };
}

function both(one: readonly string[], other: readonly string[]): readonly string[] {
  return one.filter((value) => other.includes(value));
}
