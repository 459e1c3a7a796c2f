import { isConfigurationError } from '../errors/auth-error.js';
import { type CliCommand, type CliProcess, type ExitCode, UsageError } from './cli-command.js';
import { doctorCommand } from './doctor-command.js';
import { explainCommand } from './explain-command.js';
import { issuerCommand } from './issuer-command.js';
import { migrateCommand } from './migrate-command.js';

const commands: Readonly<Record<string, CliCommand>> = {
  doctor: doctorCommand,
  explain: explainCommand,
  issuer: issuerCommand,
  migrate: migrateCommand,
};

const width = Math.max(...Object.keys(commands).map(({ length }) => length));

const help = `Usage: npx nest-gatehouse <command> [options]

Commands:
${Object.entries(commands)
  .map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`)
  .join('\n')}

npx nest-gatehouse <command> --help describes the options of a command.
`;

const isHelp = (argument: string | undefined): boolean => argument === '--help' || argument === '-h';

/** Runs what stands behind `npx nest-gatehouse`. Never rejects. */
export async function runCli(args: readonly string[], cli: CliProcess): Promise<ExitCode> {
  const [name, ...rest] = args;
  if (isHelp(name) || name === 'help') {
    cli.write(help);
    return 0;
  }
  const command = name !== undefined && Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    cli.writeError(`${name === undefined ? 'A command is missing' : 'There is no such command'}.\n\n${help}`);
    return 2;
  }
  if (rest.some(isHelp)) {
    cli.write(command.help);
    return 0;
  }
  return await runCommand(command, rest, cli);
}

async function runCommand(command: CliCommand, args: readonly string[], cli: CliProcess): Promise<ExitCode> {
  try {
    return await command.run(args, cli);
  } catch (error) {
    if (error instanceof UsageError) {
      cli.writeError(`${error.message}.\n\n${command.help}`);
      return 2;
    }
    cli.writeError(`${isConfigurationError(error) ? error.message : textOf(error)}\n`);
    return 1;
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : 'It failed';
}
