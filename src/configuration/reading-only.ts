// A registered symbol: the command that opens an app, and the copy of the package that the app has loaded, are two copies.
const key = Symbol.for('nest-gatehouse.reading-only');
const registry = globalThis as Record<symbol, boolean | undefined>;

/** Says that this process looks at an app and does not run it: modules then create no files, no tables and no keys. */
export function startReadingOnly(): void {
  registry[key] = true;
}

/** Whether this process only looks at an app. */
export function isReadingOnly(): boolean {
  return registry[key] === true;
}
