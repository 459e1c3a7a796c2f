import { describe, expect, it } from 'vitest';
import { findPackage } from '../../../src/configuration/load-package.js';

/** The error of Yarn Plug'n'Play, as Node gets it; test/package runs an app with it. */
function yarnError(name: string): Error {
  const message = `nest-gatehouse tried to access ${name} (a peer dependency) but it isn't provided by its ancestors.\n`;
  return Object.assign(new Error(`${message}\nRequired package: ${name}\nRequired by: nest-gatehouse@file:x\n`), {
    code: 'MODULE_NOT_FOUND',
  });
}

const failing = (error: Error) => (): Promise<object> => Promise.reject(error);

describe('a package that an app may have', () => {
  it('is absent where Node, or Yarn, does not find it', async () => {
    const absent: string = 'absent-package';
    expect(await findPackage(() => import(absent) as Promise<object>, absent)).toBeNull();
    expect(await findPackage(failing(yarnError('passport')), 'passport')).toBeNull();
    // As Jest throws it.
    expect(await findPackage(failing(new Error(yarnError('passport').message)), 'passport')).toBeNull();
  });

  it('is not absent where another package is missing, which it needs itself', async () => {
    for (const error of [yarnError('passport-strategy'), Object.assign(new Error("'passport'"), { code: 'OTHER' })]) {
      await expect(findPackage(failing(error), 'passport')).rejects.toBe(error);
    }
  });
});
