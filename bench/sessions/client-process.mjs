// The browsers of many users, in a process of their own: they sign in, and refresh with the cookies that they have.
import { drive, Notes } from '../rig/drive.mjs';
import { publicUrl } from './users.mjs';

const agent = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/149.0.0.0 Safari/537.36';
const head = `Host: 127.0.0.1\r\nUser-Agent: ${agent}\r\nOrigin: ${publicUrl}\r\nSec-Fetch-Site: same-origin\r\nAccept: application/json`;

/** The cookies of each session, by the port of its app. */
const jars = new Map();

/** The value of the header `Cookie` after a response. */
function cookiesOf(responseHead) {
  return [...responseHead.matchAll(/\r\nset-cookie: ([^;]+)/gi)].map(([, pair]) => pair).join('; ');
}

function post(path, { cookies = '', body = '' }) {
  const more = [
    ...(cookies === '' ? [] : [`Cookie: ${cookies}`]),
    ...(body === '' ? [] : ['Content-Type: application/json']),
    `Content-Length: ${body.length}`,
  ];
  return `POST ${path} HTTP/1.1\r\n${head}\r\n${more.join('\r\n')}\r\n\r\n${body}`;
}

function get(path, cookies) {
  return `GET ${path} HTTP/1.1\r\n${head}\r\nCookie: ${cookies}\r\n\r\n`;
}

/** Runs the connections. `send` gives the next request and what is done with the head of its response. */
async function run({ port, connections, seconds, amount = Infinity }, send) {
  const end = seconds === undefined ? Infinity : performance.now() + seconds * 1000;
  const notes = new Notes();
  let sent = 0;
  const connection = () => {
    let receive;
    return drive({
      port,
      next: () => {
        if (sent >= amount || performance.now() >= end) return undefined;
        const next = send(sent);
        sent += 1;
        receive = next.receive;
        return next.request;
      },
      note: (status, ms, responseHead) => {
        notes.add(status, ms);
        if (status === '200') receive(responseHead);
      },
    });
  };
  await Promise.all(Array.from({ length: connections }, connection));
  return notes.summary();
}

const requests = {
  signIn: (plan) => {
    const jar = jars.get(plan.port) ?? [];
    jars.set(plan.port, jar);
    return run(plan, (at) => ({
      request: post('/sign-in', { body: JSON.stringify({ userId: `user-${at}` }) }),
      receive: (responseHead) => plan.keep && jar.push(cookiesOf(responseHead)),
    }));
  },
  /** Sessions take turns, so that none is refreshed twice at once. */
  refresh: (plan) => {
    const jar = jars.get(plan.port);
    return run(plan, () => {
      const cookies = jar.shift();
      return {
        request: post('/auth/refresh', { cookies }),
        receive: (responseHead) => jar.push(cookiesOf(responseHead)),
      };
    });
  },
  guarded: (plan) => {
    const jar = jars.get(plan.port);
    return run(plan, (at) => ({ request: get('/me', jar[at % jar.length]), receive: () => undefined }));
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
