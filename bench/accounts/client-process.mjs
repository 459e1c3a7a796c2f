// The browsers of people who sign in, in a process of their own, and one that uses a guarded route meanwhile.
import { setTimeout as sleep } from 'node:timers/promises';
import { drive, Notes } from '../rig/drive.mjs';
import { addressOf, networkOf, password, publicUrl } from './people.mjs';

/** The access token of who uses the guarded route. */
let token = '';

function signIn(number, kind = 'verified') {
  const body = JSON.stringify({ email: addressOf(kind, number), password });
  const headers = [
    'Host: 127.0.0.1',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36',
    `Origin: ${publicUrl}`,
    `X-Forwarded-For: ${networkOf(number)}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ];
  return `POST /auth/sign-in HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n${body}`;
}

const guarded = () => `GET /me HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`;

/** Calls a route once every so many milliseconds, until `isOver`. */
async function sample(port, everyMs, isOver, notes) {
  while (!isOver()) {
    let isSent = false;
    const next = () => {
      if (isSent) return undefined;
      isSent = true;
      return guarded();
    };
    await drive({ port, next, note: (status, ms) => notes.add(status, ms) });
    await sleep(everyMs);
  }
}

const requests = {
  /** People sign in one after the other, on so many connections. */
  signIn: async ({ port, people, connections, seconds, amount = Infinity }) => {
    const end = seconds === undefined ? Infinity : performance.now() + seconds * 1000;
    const notes = new Notes();
    let sent = 0;
    const next = () => (sent >= amount || performance.now() >= end ? undefined : signIn(sent++ % people));
    const note = (status, ms) => notes.add(status, ms);
    await Promise.all(Array.from({ length: connections }, () => drive({ port, next, note })));
    return notes.summary();
  },
  keepToken: async (given) => {
    ({ token } = given);
  },
  /** The guarded route alone. */
  quiet: async ({ port, seconds }) => {
    const notes = new Notes();
    const end = performance.now() + seconds * 1000;
    await sample(port, 5, () => performance.now() >= end, notes);
    return notes.summary();
  },
  /** So many sign in at once, and the guarded route is used meanwhile. */
  burst: async ({ port, amount }) => {
    const [notes, beside] = [new Notes(), new Notes()];
    let isOver = false;
    const sampled = sample(port, 5, () => isOver, beside);
    const one = (number) => {
      let isSent = false;
      const next = () => {
        if (isSent) return undefined;
        isSent = true;
        return signIn(number);
      };
      return drive({ port, next, note: (status, ms) => notes.add(status, ms) });
    };
    await Promise.all(Array.from({ length: amount }, (_, number) => one(number)));
    isOver = true;
    await sampled;
    return { burst: notes.summary(), beside: beside.summary() };
  },
};

process.on('message', async ({ id, type, ...body }) => {
  try {
    process.send({ id, value: await requests[type](body) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
});
process.on('disconnect', () => process.exit());
