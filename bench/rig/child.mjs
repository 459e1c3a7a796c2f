// Starts a script in a separate process and exchanges messages with it: `await child.ask('usage')`.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export class Child {
  #process;
  #waiting = new Map();
  #last = 0;

  constructor(script, { execArgv = [] } = {}) {
    const env = { ...process.env, NODE_ENV: 'production' };
    this.#process = fork(fileURLToPath(script), { execArgv, env });
    this.#process.on('message', ({ id, value, error }) => {
      const { done, fail } = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) done(value);
      else fail(new Error(error));
    });
    this.#process.on('exit', (code) => {
      for (const { fail } of this.#waiting.values()) fail(new Error(`The child ended (${code})`));
    });
  }

  ask(type, body = {}) {
    this.#last += 1;
    const id = this.#last;
    return new Promise((done, fail) => {
      this.#waiting.set(id, { done, fail });
      this.#process.send({ id, type, ...body });
    });
  }

  async stop() {
    const ended = new Promise((done) => this.#process.once('exit', done));
    this.#waiting.clear();
    this.#process.kill('SIGKILL');
    await ended;
  }
}

/** An app of one contender in a separate process. */
export async function startAppProcess(config, options) {
  const child = new Child(new URL('./app-process.mjs', import.meta.url), options);
  const { port } = await child.ask('start', config);
  return Object.assign(child, { port });
}
