/** What a command reads and writes. */
export interface CliProcess {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly write: (text: string) => void;
  readonly writeError: (text: string) => void;
  /** Everything that is written to standard input. */
  readonly readInput: () => Promise<string>;
  /** Whether people read what is written, and not a program or a file. */
  readonly isTerminal: { readonly output: boolean; readonly error: boolean };
  /** Whether standard input is a terminal. */
  readonly hasKeyboard: boolean;
  /** Waits until the person quits by q or Ctrl-C, or the process is told to end. Other keys are passed on. */
  readonly untilQuit: (onKey: (key: string) => Promise<void>) => Promise<void>;
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

/** What `parseArgs` found wrong. Its own message repeats what was written, which may be a URL with a password in the wrong place. */
export function problemOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return 'There is no such option';
  if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') return 'There is an argument too many';
  return 'The value of an option is missing';
}
