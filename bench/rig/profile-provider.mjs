// PropelAuth's user API in a separate thread, which answers at once and counts calls.
import { createServer } from 'node:http';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

const userOf = (user_id) => ({
  user_id,
  email: 'alice@example.org',
  email_confirmed: true,
  has_password: true,
  username: 'alice',
  first_name: 'Alice',
  last_name: 'Liddell',
  picture_url: 'https://example.org/alice.png',
  locked: false,
  enabled: true,
  mfa_enabled: false,
  created_at: 1_700_000_000,
  last_active_at: 1_750_000_000,
});

/** @returns {Promise<{ url: string, calls: () => Promise<number>, stop: () => Promise<void> }>} */
export async function startProfileProvider() {
  const worker = new Worker(new URL(import.meta.url));
  const next = () => new Promise((done) => worker.once('message', done));
  const port = await next();
  const calls = () => {
    const answer = next();
    worker.postMessage('calls');
    return answer;
  };
  return { url: `http://127.0.0.1:${port}`, calls, stop: () => worker.terminate() };
}

if (!isMainThread) {
  let calls = 0;
  const server = createServer((request, response) => {
    calls += 1;
    const id = request.url.split('/').at(-1).split('?')[0];
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(userOf(id)));
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
  parentPort.on('message', () => parentPort.postMessage(calls));
}
