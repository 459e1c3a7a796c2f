// Clients send tokens with unknown key ids, while valid users continue, and then the issuer rotates its keys.
import { setTimeout as sleep } from 'node:timers/promises';
import { Child } from '../rig/child.mjs';
import { quantile, round } from '../rig/statistics.mjs';
import { after, all, fetched, milliseconds, statusesOf } from './answers.mjs';
import { Scene } from './scene.mjs';

const capSeconds = 60;
const strangersPerSecond = 20;

function timesOf(answers) {
  const times = answers.map(({ ms }) => ms);
  return { p50: round(quantile(times, 0.5), 3), p99: round(quantile(times, 0.99), 3) };
}

async function floodBesideGoodUsers(scene, stranger, amount) {
  const before = await scene.app.ask('usage');
  const over = new AbortController();
  const good = scene.client.sendSteadily(() => scene.token(), { perSecond: 50, signal: over.signal });
  const { statuses, seconds } = await stranger.ask('flood', { port: scene.app.port, amount });
  over.abort();
  const answers = await good;
  const after = await scene.app.ask('usage');
  const cpuUs = after.user - before.user + (after.system - before.system);
  return { statuses, seconds, good: answers, cpuUs: cpuUs / (amount + answers.length) };
}

export function floodStory(amount) {
  return {
    name: 'flood',
    title: `${amount.toLocaleString('en')} tokens with invented key ids together with valid users, and a real rotation meanwhile`,
    right: 'at most 3 fetches for invented ids in 10 s; valid users not refused; the new key within 10 s',
    alone: true,
    async run(contender, loadIsOver) {
      const scene = await Scene.open(contender);
      await scene.client.send(scene.token());
      const quiet = await scene.client.sendSteadily(() => scene.token(), { perSecond: 50, seconds: 1 });
      const stranger = new Child(new URL('./flood-process.mjs', import.meta.url));
      const { result, fetches } = await scene.countFetches(() => floodBesideGoodUsers(scene, stranger, amount));
      loadIsOver();
      // The flood continues at a lower rate, so that the next scenario can run at the same time.
      await stranger.ask('trickle', { port: scene.app.port, perSecond: strangersPerSecond });
      await sleep(1_000);
      scene.rotate({ keepOld: true });
      const taken = await scene.client.waitFor(200, () => scene.token(), capSeconds);
      await stranger.stop();
      await scene.close();
      const { p50, p99 } = timesOf(result.good);
      const allowed = 3 * Math.ceil(result.seconds / 10);
      return {
        text:
          `${result.seconds.toFixed(1)} s${fetched('', fetches)}, ${result.cpuUs.toFixed(0)} µs CPU a request; valid users ${statusesOf(result.good)}, p50 ${milliseconds(p50)}, ` +
          `p99 ${milliseconds(p99)} (quiet ${milliseconds(timesOf(quiet).p99)}); new key ${after(taken, capSeconds)}`,
        passed: fetches <= allowed && all(result.good, 200) && taken !== null && taken <= 11,
        values: {
          strangers: result.statuses,
          seconds: round(result.seconds, 3),
          fetches,
          cpuUsPerRequest: round(result.cpuUs, 3),
          goodUsers: statusesOf(result.good),
          quiet: timesOf(quiet),
          during: { p50, p99 },
          newKeyAfterSeconds: taken,
        },
      };
    },
  };
}
