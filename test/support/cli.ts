import { runCli } from '../../src/cli/run-cli.js';

interface CliResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `npx nest-gatehouse` in this process. */
export async function runWith(env: Readonly<Record<string, string>>, ...args: string[]): Promise<CliResult> {
  return runReading('', env, ...args);
}

/** The same with a text on standard input. */
export async function runReading(
  input: string,
  env: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<CliResult> {
  return run({ input, env, visit: null }, args);
}

/** The same where standard error is a terminal. */
export async function runOnTerminal(...args: string[]): Promise<CliResult> {
  return run({ input: '', env: {}, visit: null, hasTerminal: true }, args);
}

/** What a person does at the keyboard: presses keys, and reads what was written so far. */
type Visit = (press: (key: string) => Promise<void>, read: () => string) => Promise<void>;

/** The same with a person at the keyboard, who quits at the end of the visit. */
export async function runWithKeyboard(visit: Visit, ...args: string[]): Promise<CliResult> {
  return run({ input: '', env: {}, visit }, args);
}

interface Surroundings {
  readonly input: string;
  readonly env: Readonly<Record<string, string>>;
  readonly visit: Visit | null;
  readonly hasTerminal?: boolean;
}

async function run(
  { input, env, visit, hasTerminal = false }: Surroundings,
  args: readonly string[],
): Promise<CliResult> {
  let [out, err] = ['', ''];
  const code = await runCli(args, {
    env,
    write: (text) => {
      out += text;
    },
    writeError: (text) => {
      err += text;
    },
    readInput: () => Promise.resolve(input),
    isTerminal: { output: false, error: hasTerminal },
    hasKeyboard: visit !== null,
    untilQuit: (onKey) => visit?.(onKey, () => out) ?? Promise.resolve(),
  });
  return { code, out, err };
}
