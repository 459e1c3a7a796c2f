// The apps of several contenders side by side, and the one client that loads them in turn.
import { findContender } from '../contenders/index.mjs';
import { Child, startAppProcess } from '../rig/child.mjs';
import { KeyServer } from '../rig/key-server.mjs';
import { checkRefusals } from '../rig/must-refuse.mjs';
import { Client } from '../rig/client.mjs';
import { makeKey } from '../rig/tokens.mjs';

const connections = 50;

async function checkApp({ title, app }, key) {
  const client = new Client(app.port);
  const verify = async (token) => {
    const { status } = await client.send(token);
    if (status !== 200) throw new Error(String(status));
  };
  await checkRefusals(title, verify, key);
  client.close();
}

/** @param {{ name: string, title?: string, contender?: string, cacheEntries?: number | false }[]} wanted */
export async function openServers({ adapter, algorithm, wanted }) {
  const key = makeKey(algorithm);
  const keys = await KeyServer.start([key.jwk]);
  const servers = [];
  for (const { name, contender = name, title = findContender(contender).title, ...more } of wanted) {
    const app = await startAppProcess({
      contender,
      adapter,
      algorithm,
      jwksUri: keys.jwksUri,
      pem: key.pem,
      kid: key.kid,
      ...more,
    });
    const server = { name, title, app };
    if (findContender(contender).letsEverybodyIn !== true) await checkApp(server, key);
    servers.push(server);
  }
  const client = new Child(new URL('../rig/load-process.mjs', import.meta.url));
  const { kid, privateKey } = key;
  const portable = { kid, algorithm, privatePem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  return {
    servers,
    prepare: (amount, first = 0) => client.ask('prepare', { key: portable, amount, first }),
    load: (server, plan) => loadServer(client, server, plan),
    async close() {
      await Promise.all([client, ...servers.map(({ app }) => app)].map((child) => child.stop()));
      await keys.stop();
    },
  };
}

/** Loads one server, and gives what a request cost its process. */
async function loadServer(client, { title, app }, plan) {
  const before = await app.ask('usage');
  const { requests, seconds, statuses, p50, p99 } = await client.ask('load', { port: app.port, connections, ...plan });
  const after = await app.ask('usage');
  if (statuses['200'] !== requests) throw new Error(`${title} answered ${JSON.stringify(statuses)} to good tokens`);
  const cpu = after.user - before.user + (after.system - before.system);
  const collectorUs = ((after.collectorMs - before.collectorMs) * 1000) / requests;
  return { cpuUs: cpu / requests, collectorUs, perSecond: requests / seconds, p50, p99 };
}
