/** How deep a path may go, so that the type of a user who contains users ends. */
type Shorter = [never, 0, 1, 2, 3, 4];

/** A value that a path ends at: there is nothing below it to name. */
type Leaf = string | number | boolean | bigint | symbol | Date | null | undefined | ((...args: never[]) => unknown);

/**
 * The paths to the properties of a type, as texts: `'id'`, `'organizations.0.name'`, `'claims.any.thing'`.
 */
export type PropertyPath<Of, Depth extends number = 4> = [Depth] extends [never]
  ? never
  : Of extends Leaf
    ? never
    : Of extends readonly (infer Member)[]
      ? `${number}` | `${number}.${PropertyPath<Member, Shorter[Depth]>}`
      : string extends keyof Of
        ? string
        : {
            [Name in keyof Of & string]: Name | `${Name}.${PropertyPath<NonNullable<Of[Name]>, Shorter[Depth]>}`;
          }[keyof Of & string];

/**
 * What a path leads to: own properties only, and of lists only their members; `undefined` where it ends in
 * nothing. What a prototype has (`constructor`, methods) is out of reach.
 */
export function readPath(value: unknown, path: string): unknown {
  let reached: unknown = value;
  for (const name of path.split('.')) {
    if (typeof reached !== 'object' || reached === null || !Object.hasOwn(reached, name)) return undefined;
    if (Array.isArray(reached) && !/^\d+$/.test(name)) return undefined;
    reached = (reached as Readonly<Record<string, unknown>>)[name];
  }
  return reached;
}
