// The key server fails before the app has fetched any key: no token can be verified, so the correct response is a quick
// 503, which ends as soon as the server recovers.
import { KeyServer } from '../rig/key-server.mjs';
import { makeKey } from '../rig/tokens.mjs';
import { after, all, fetched, milliseconds, statusesOf, summarize } from './answers.mjs';
import { halfRotated } from './half-rotated.mjs';
import { Scene } from './scene.mjs';

const capSeconds = 60;

function cold(fault, { title, seconds = 2, soonMs = 2_000, capMs }) {
  return {
    name: `cold-${fault}`,
    title,
    right: '503; 200 again soon after it is back',
    async run(contender) {
      const scene = await Scene.open(contender, { behaviour: fault });
      const asking = () => scene.client.sendSteadily(() => scene.token(), { perSecond: 5, seconds, capMs });
      const { result: answers, fetches } = await scene.countFetches(asking);
      await scene.keys.behave('ok');
      const back = await scene.client.waitFor(200, () => scene.token(), capSeconds);
      await scene.close();
      const { statuses, medianMs, longestMs } = summarize(answers);
      return {
        text: `${statuses} in ${milliseconds(medianMs)}${fetched(fault, fetches)}; 200 ${after(back, capSeconds)}`,
        passed: all(answers, 503) && medianMs < soonMs && back !== null && back < 5,
        values: { statuses, medianMs, longestMs, fetches, backAfterSeconds: back },
      };
    },
  };
}

const redirected = {
  name: 'cold-redirect',
  title: 'key server redirects to another server, which has a key of the same id',
  right: 'not followed; 503',
  async run(contender) {
    const scene = await Scene.open(contender, { behaviour: 'redirect' });
    const forged = makeKey(scene.key.algorithm, scene.key.kid);
    const stranger = await KeyServer.start([forged.jwk]);
    scene.keys.elsewhere = stranger.jwksUri;
    const good = await scene.client.send(scene.token());
    const bad = await scene.client.send(scene.token(forged));
    const followed = stranger.fetches > 0;
    await scene.close();
    await stranger.stop();
    return {
      text: `${followed ? 'followed' : 'not followed'}; forged token ${bad.status}, valid token ${good.status}`,
      passed: !followed && good.status === 503 && bad.status !== 200,
      values: { followed, forged: bad.status, good: good.status },
    };
  },
};

const coldHalfRotated = halfRotated({
  name: 'cold-half',
  title: 'key set is half rotated at the start: the new key is named without its material; complete after 2 s',
  open: async (contender) => {
    const scene = await Scene.open(contender);
    scene.rotateHalfway();
    return scene;
  },
});

const herd = {
  name: 'cold-herd',
  title: '200 requests at once before any key is known, key server takes 300 ms',
  right: '200 × 200 with 1 fetch',
  alone: true,
  async run(contender) {
    const scene = await Scene.open(contender, { keyServer: { delayMs: 300 } });
    const tokens = Array.from({ length: 200 }, () => scene.token());
    const asking = () => Promise.all(tokens.map((token) => scene.client.send(token)));
    const { result: answers, fetches } = await scene.countFetches(asking);
    await scene.close();
    const { statuses, longestMs } = summarize(answers);
    return {
      text: `${statuses}; ${fetches} ${fetches === 1 ? 'fetch' : 'fetches'}`,
      passed: all(answers, 200) && fetches === 1,
      values: { statuses, longestMs, fetches },
    };
  },
};

const twoIssuers = {
  name: 'two-issuers',
  title: 'two issuers, one key server down',
  right: '200 for the other one, 503 for this one',
  onlyOurs: 'one issuer in these recipes',
  async run(contender) {
    const name = 'https://second-issuer.example';
    const key = makeKey('ES256');
    const second = await KeyServer.start([key.jwk]);
    await second.behave('down');
    const more = [{ issuer: name, jwksUri: second.jwksUri }];
    const scene = await Scene.open(contender, { config: { more } });
    const perSecond = { perSecond: 10, seconds: 1 };
    const good = await scene.client.sendSteadily(() => scene.token(), perSecond);
    const bad = await scene.client.sendSteadily(() => scene.token(key, { iss: name }), perSecond);
    await scene.close();
    return {
      text: `${statusesOf(good)} for the other one, ${statusesOf(bad)} for this one`,
      passed: all(good, 200) && all(bad, 503),
      values: { other: statusesOf(good), down: statusesOf(bad) },
    };
  },
};

export const coldStories = [
  cold('down', { title: 'key server down at the start' }),
  cold('503', { title: 'key server answers 500s at the start' }),
  cold('garbage', { title: 'key server sends garbage at the start' }),
  cold('reset', { title: 'key server breaks the connection at the start' }),
  cold('empty', { title: 'key server sends an empty key set at the start' }),
  cold('useless', { title: 'key server sends keys that are for encryption only at the start' }),
  cold('hang', { title: 'key server hangs at the start', seconds: 1, soonMs: 6_000 }),
  cold('drip', {
    title: 'key server sends a byte every 100 ms, without end',
    seconds: 1,
    soonMs: 6_000,
    capMs: 35_000,
  }),
  redirected,
  coldHalfRotated,
  herd,
  twoIssuers,
];
