// What the builds see of @electric-sql/pglite (`paths` in tsconfig.build.json). They check the declarations of libraries, and
// those of PGlite need types of browsers and of Emscripten. `npm run check` compiles against the real ones.
export declare class PGlite {
  static create(options?: { readonly dataDir?: string }): Promise<PGlite>;
  query(
    text: string,
    values: unknown[],
    options: { parsers: Record<number, (text: string) => unknown> },
  ): Promise<{ readonly rows: readonly unknown[] }>;
  transaction(run: (statements: Pick<PGlite, 'query'>) => Promise<unknown>): Promise<unknown>;
  close(): Promise<void>;
}
