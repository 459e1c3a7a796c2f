// The key server fails after the app has fetched keys. Users with valid tokens must not be affected.
import { after, all, fetched, milliseconds, statusesOf, summarize } from './answers.mjs';
import { halfRotated } from './half-rotated.mjs';
import { Scene } from './scene.mjs';

async function openWarm(contender, options) {
  const scene = await Scene.open(contender, options);
  const { status } = await scene.client.send(scene.token());
  if (status !== 200) throw new Error(`${contender.name}: a valid token was answered with ${status} at the start`);
  return scene;
}

function warm(fault, { title, seconds = 2, capMs }) {
  return {
    name: `warm-${fault}`,
    title,
    right: '200, without waiting',
    async run(contender) {
      const scene = await openWarm(contender, { shortKeyLife: true });
      await scene.keys.behave(fault);
      await scene.passKeyLife();
      const asking = () => scene.client.sendSteadily(() => scene.token(), { perSecond: 5, seconds, capMs });
      const { result: answers, fetches } = await scene.countFetches(asking);
      await scene.close();
      const { statuses, medianMs, longestMs } = summarize(answers);
      return {
        text: `${statuses} in ${milliseconds(medianMs)}, longest ${milliseconds(longestMs)}${fetched(fault, fetches)}`,
        passed: all(answers, 200) && longestMs < 1_000,
        values: { statuses, medianMs, longestMs, fetches },
      };
    },
  };
}

const warmHalfRotated = halfRotated({
  name: 'warm-half',
  title: 'keys have expired, and the key set is half rotated; complete after 2 s',
  open: async (contender) => {
    const scene = await openWarm(contender, { shortKeyLife: true });
    scene.rotateHalfway();
    await scene.passKeyLife();
    return scene;
  },
});

const longOutage = {
  name: 'warm-long',
  title: 'key server down for 23 hours, and for 25',
  right: '200 after 23 h, 503 after 25 h',
  onlyOurs: 'no clock to hand in',
  async run(contender) {
    const scene = await openWarm(contender);
    await scene.keys.behave('down');
    const ask = () => scene.client.sendSteadily(() => scene.token(), { perSecond: 10, seconds: 0.5 });
    await scene.advance(23 * 3600);
    const early = await ask();
    await scene.advance(2 * 3600);
    const late = await ask();
    await scene.close();
    return {
      text: `${statusesOf(early)} after 23 h, ${statusesOf(late)} after 25 h`,
      passed: all(early, 200) && all(late, 503),
      values: { after23Hours: statusesOf(early), after25Hours: statusesOf(late) },
    };
  },
};

const unknownWhileDown = {
  name: 'unknown-while-down',
  title: 'a token with an unknown key (as after a rotation) while the key server is down',
  right: '503: it may be valid',
  async run(contender) {
    const scene = await openWarm(contender);
    await scene.keys.behave('down');
    scene.rotate({ keepOld: true });
    const { status, ms } = await scene.client.send(scene.token());
    await scene.close();
    return { text: `${status} in ${milliseconds(ms)}`, passed: status === 503, values: { status } };
  },
};

const rotatedAtOnce = {
  name: 'rotation',
  title: 'keys are rotated right after the start',
  right: 'the new key is accepted at once',
  async run(contender) {
    const scene = await openWarm(contender);
    scene.rotate({ keepOld: true });
    const taken = await scene.client.waitFor(200, () => scene.token(), 45);
    await scene.close();
    return { text: after(taken, 45), passed: taken !== null && taken < 1, values: { acceptedAfterSeconds: taken } };
  },
};

const removed = {
  name: 'removed',
  title: 'a key was removed from the set, and the cached set expires',
  right: 'tokens of the old key 401, of the new one 200',
  async run(contender) {
    const scene = await openWarm(contender, { shortKeyLife: true });
    const old = scene.key;
    scene.rotate({ keepOld: false });
    await scene.passKeyLife();
    const refused = await scene.client.waitFor(401, () => scene.token(old), 15);
    const taken = await scene.client.waitFor(200, () => scene.token(), 15);
    await scene.close();
    const ending = refused === null ? 'old key still accepted after 15 s' : `old key refused ${after(refused, 15)}`;
    return {
      text: `${ending}; new key ${after(taken, 15)}`,
      passed: refused !== null && refused < 1 && taken !== null && taken < 1,
      values: { refusedAfterSeconds: refused, acceptedAfterSeconds: taken },
    };
  },
};

export const warmStories = [
  warm('down', { title: 'key server down when the keys have expired' }),
  warm('503', { title: '… answers 503' }),
  warm('garbage', { title: '… sends garbage' }),
  warm('reset', { title: '… breaks the connection' }),
  warm('empty', { title: '… sends an empty key set' }),
  warm('useless', { title: '… sends keys that are for encryption only' }),
  warm('redirect', { title: '… redirects' }),
  warm('hang', { title: '… hangs', seconds: 1 }),
  warm('drip', { title: '… sends a byte every 100 ms, without end', seconds: 1, capMs: 35_000 }),
  warmHalfRotated,
  longOutage,
  unknownWhileDown,
  rotatedAtOnce,
  removed,
];
