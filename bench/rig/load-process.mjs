// A closed-loop client in a separate process: each of its connections sends the next request when the last one is
// answered.
import { createPrivateKey } from 'node:crypto';
import { drive, Notes } from './drive.mjs';
import { makeTokens } from './tokens.mjs';

let tokens = [];

async function load({ port, path, connections, seconds, amount = Infinity, first = 0 }) {
  const end = seconds === undefined ? Infinity : performance.now() + seconds * 1000;
  const notes = new Notes();
  let sent = 0;
  const next = () => {
    if (sent >= amount || performance.now() >= end) return undefined;
    const token = tokens[(first + sent++) % tokens.length];
    return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`;
  };
  const note = (status, ms) => notes.add(status, ms);
  await Promise.all(Array.from({ length: connections }, () => drive({ port, next, note })));
  return notes.summary();
}

const requests = {
  prepare: async ({ key, amount, first }) => {
    const privateKey = createPrivateKey(key.privatePem);
    tokens = await makeTokens({ ...key, privateKey }, amount, { first });
  },
  load,
};

process.on('message', async ({ id, type, ...body }) => {
  try {
    process.send({ id, value: await requests[type](body) });
  } catch (error) {
    process.send({ id, error: error.stack });
  }
});
process.on('disconnect', () => process.exit());
