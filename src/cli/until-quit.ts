/** Waits for q or Ctrl-C on a terminal, and for SIGINT and SIGTERM everywhere. */
export async function untilQuit(onKey: (key: string) => Promise<void>): Promise<void> {
  const { stdin } = process;
  // A process without a terminal has nothing that keeps it alive.
  const alive = setInterval(() => undefined, 2 ** 30);
  try {
    await new Promise<void>((resolve, reject) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve);
      if (!stdin.isTTY) return;
      // One key at a time, and without a line feed. Ctrl-C comes as a character then.
      stdin.setRawMode(true);
      stdin.on('data', (typed) => {
        const key = typed.toString();
        if (key === 'q' || key === '\u0003') resolve();
        else onKey(key).catch(reject);
      });
    });
  } finally {
    clearInterval(alive);
    if (stdin.isTTY) {
      stdin.setRawMode(false);
      stdin.pause();
    }
  }
}
