// A closed-loop client in a separate process: each of its connections sends the next request when the last one is
// answered. It uses plain sockets, so that it takes little CPU time from the server on the same machine.
import { createPrivateKey } from 'node:crypto';
import { connect } from 'node:net';
import { makeTokens } from './tokens.mjs';

let tokens = [];

function lengthOf(head) {
  const found = /\r\ncontent-length: (\d+)/i.exec(head);
  if (found === null) throw new Error('An answer without a content-length');
  return Number(found[1]);
}

/** One connection. `next` returns the text of the next request, or undefined after the last one. */
function drive({ port, next, note }) {
  return new Promise((done, fail) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    let pending = '';
    let sentAt = 0;
    const send = () => {
      const request = next();
      if (request === undefined) {
        socket.end();
        done();
        return;
      }
      sentAt = performance.now();
      socket.write(request, 'latin1');
    };
    socket.on('connect', send);
    socket.on('error', fail);
    socket.on('data', (chunk) => {
      pending += chunk.toString('latin1');
      const headEnd = pending.indexOf('\r\n\r\n');
      if (headEnd < 0 || pending.length < headEnd + 4 + lengthOf(pending.slice(0, headEnd))) return;
      note(pending.slice(9, 12), performance.now() - sentAt);
      pending = '';
      send();
    });
  });
}

async function load({ port, path, connections, seconds, amount = Infinity, first = 0 }) {
  const began = performance.now();
  const end = seconds === undefined ? Infinity : began + seconds * 1000;
  const statuses = {};
  const times = [];
  let sent = 0;
  const next = () => {
    if (sent >= amount || performance.now() >= end) return undefined;
    const token = tokens[(first + sent++) % tokens.length];
    return `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${token}\r\n\r\n`;
  };
  const note = (status, ms) => {
    statuses[status] = (statuses[status] ?? 0) + 1;
    times.push(ms);
  };
  await Promise.all(Array.from({ length: connections }, () => drive({ port, next, note })));
  times.sort((a, b) => a - b);
  const at = (part) => times[Math.floor((times.length - 1) * part)];
  return { requests: times.length, seconds: (performance.now() - began) / 1000, statuses, p50: at(0.5), p99: at(0.99) };
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
