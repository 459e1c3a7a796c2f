/** The functions of a test runner that a contract suite is written with: Vitest, Jest and node:test have them. */
export interface TestRunner {
  readonly describe: (name: string, define: () => void) => unknown;
  readonly it: (name: string, test: () => Promise<void>) => unknown;
}

/**
 * The test runner's functions from the global object: Jest has them, and Vitest with `globals: true`.
 *
 * @param suite the function that needs them, for the error
 * @throws {TypeError} where there are none.
 */
export function globalTestRunner(suite: string): TestRunner {
  const { describe, it } = globalThis as unknown as Partial<TestRunner>;
  if (describe !== undefined && it !== undefined) return { describe, it };
  throw new TypeError(
    `${suite} needs the globals describe and it: set globals: true in the options of Vitest, or pass { describe, it } as ` +
      'the third argument',
  );
}

/** Something that a suite tests, and what ends it. */
export interface Closable {
  /** Called when a test is over. */
  close?(): unknown;
}

/** Defines tests that each open what they test, and close it. */
export function defineTests<Opened extends Closable>(
  title: string,
  open: () => Opened | Promise<Opened>,
  tests: Readonly<Record<string, (opened: Opened) => unknown>>,
  { describe, it }: TestRunner,
): void {
  describe(title, () => {
    for (const [name, test] of Object.entries(tests)) {
      it(name, async () => {
        const opened = await open();
        try {
          await test(opened);
        } finally {
          await opened.close?.();
        }
      });
    }
  });
}
