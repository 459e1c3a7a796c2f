import { runCli } from '../../src/cli/run-cli.js';

/** Runs `npx nest-gatehouse` in this process. */
export async function runWith(
  env: Readonly<Record<string, string>>,
  ...args: string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let [out, err] = ['', ''];
  const code = await runCli(args, {
    env,
    write: (text) => {
      out += text;
    },
    writeError: (text) => {
      err += text;
    },
  });
  return { code, out, err };
}
