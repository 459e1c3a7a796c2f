// Requests with API keys, at a given rate or as fast as they are answered.
import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { crc32 } from 'node:zlib';

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

function randomDigits(length) {
  return Array.from(randomBytes(length), (byte) => digits[byte % digits.length]).join('');
}

function withChecksum(text) {
  let rest = crc32(text);
  let check = '';
  for (let at = 0; at < 6; at += 1) {
    check = digits[rest % 62] + check;
    rest = Math.floor(rest / 62);
  }
  return `${text}${check}`;
}

/** A key that was never issued, with the right form and checksum. */
export function inventedKey() {
  return withChecksum(`acme_${randomDigits(22)}_${randomDigits(43)}`);
}

/** A key with the id of a real one and another secret, with the right checksum. */
export function withWrongSecret(text) {
  return withChecksum(`${text.slice(0, text.lastIndexOf('_'))}_${randomDigits(43)}`);
}

/** Makes callers of an app that share connections. */
export function openCaller(port, connections) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const call = (key, network) =>
    new Promise((done, fail) => {
      const began = performance.now();
      const headers = { authorization: `Bearer ${key}`, ...(network && { 'x-forwarded-for': network }) };
      request({ port, host: '127.0.0.1', path: '/me', headers, agent }, (response) => {
        response.resume();
        response.on('end', () => done({ status: response.statusCode, ms: performance.now() - began }));
      })
        .on('error', fail)
        .end();
    });
  return { call, close: () => agent.destroy() };
}

/** Sends requests at a steady rate for some seconds, however long the answers take. */
export async function sendSteadily({ perSecond, seconds }, send) {
  const answers = [];
  const began = performance.now();
  for (let sent = 0; sent < perSecond * seconds; ) {
    const due = Math.min(perSecond * seconds, Math.floor(((performance.now() - began) / 1_000) * perSecond));
    for (; sent < due; sent += 1) answers.push(send(sent));
    await sleep(5);
  }
  return Promise.all(answers);
}
