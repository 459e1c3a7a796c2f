/** What a command reads and writes. */
export interface CliProcess {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
}

/** The exit code: 0 when it was done, 1 when it failed, 2 when it was called in a wrong way. */
export type ExitCode = 0 | 1 | 2;

/** A command of `npx nest-gatehouse`. */
export interface CliCommand {
  /** One line for the list of commands. */
  readonly summary: string;
  readonly help: string;
  /** @throws {UsageError} when it was called in a wrong way */
  readonly run: (args: readonly string[], cli: CliProcess) => Promise<ExitCode>;
}

/** The command line is wrong. The message states what, and never repeats a value. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
