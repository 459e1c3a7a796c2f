#!/usr/bin/env node
import { text } from 'node:stream/consumers';
import { runCli } from './run-cli.js';
import { untilQuit } from './until-quit.js';

void runCli(process.argv.slice(2), {
  env: process.env,
  write: (written) => {
    process.stdout.write(written);
  },
  writeError: (written) => {
    process.stderr.write(written);
  },
  readInput: () => text(process.stdin),
  isTerminal: { output: process.stdout.isTTY, error: process.stderr.isTTY },
  hasKeyboard: process.stdin.isTTY,
  untilQuit,
}).then((exitCode) => {
  process.exitCode = exitCode;
  // An app that was opened may hold connections and timers, by which the process would go on. What was written goes out first.
  process.stdout.write('', () => process.stderr.write('', () => process.exit()));
});
