// The machines that call with their keys, in a process of their own.
import { drive, Notes } from '../rig/drive.mjs';

/** The requests by their kind, one of each key. */
const texts = {};

const form = 'grant_type=client_credentials';

function headersOf({ id, secret, text }) {
  return { bearer: `Bearer ${text}`, basic: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` };
}

function prepare({ keys }) {
  const head = (line, authorization) => `${line} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${authorization}\r\n`;
  const contents = `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${form.length}\r\n\r\n${form}`;
  for (const { bearer, basic } of keys.map(headersOf)) {
    (texts['open bearer'] ??= []).push(`${head('GET /open', bearer)}\r\n`);
    (texts['open basic'] ??= []).push(`${head('GET /open', basic)}\r\n`);
    (texts['empty guard'] ??= []).push(`${head('GET /empty', bearer)}\r\n`);
    (texts['bearer'] ??= []).push(`${head('GET /me', bearer)}\r\n`);
    (texts['basic'] ??= []).push(`${head('GET /me', basic)}\r\n`);
    (texts['token'] ??= []).push(`${head('POST /oauth/token', basic)}${contents}`);
  }
}

async function load({ port, kind, connections, seconds, amount = Infinity }) {
  const end = seconds === undefined ? Infinity : performance.now() + seconds * 1000;
  const notes = new Notes();
  const requests = texts[kind];
  let sent = 0;
  const next = () => {
    if (sent >= amount || performance.now() >= end) return undefined;
    return requests[sent++ % requests.length];
  };
  const note = (status, ms) => notes.add(status, ms);
  await Promise.all(Array.from({ length: connections }, () => drive({ port, next, note })));
  return notes.summary();
}

const requests = { prepare, load };

process.on('message', async ({ id, type, ...body }) => {
  try {
    process.send({ id, value: await requests[type](body) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
});
process.on('disconnect', () => process.exit());
