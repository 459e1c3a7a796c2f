// The issuer already signs with a new key. Its key set has the old key, and the new key's id without the key material. A
// little later the set is complete. Users with a token of the old key must not be affected.
import { after, all, fetched, statusesOf } from './answers.mjs';

const capSeconds = 45;

/** @param {{ name: string, title: string, open: (contender: object) => Promise<import('./scene.mjs').Scene> }} how */
export function halfRotated({ name, title, open }) {
  return {
    name,
    title,
    right: 'old key 200; the new one within 10 s of its publication; no fetch for each request',
    async run(contender) {
      const scene = await open(contender);
      const { result, fetches } = await scene.countFetches(async () => {
        const perSecond = { perSecond: 5, seconds: 2, capMs: capSeconds * 1_000 };
        const [old, young] = await Promise.all([
          scene.client.sendSteadily(() => scene.token(scene.oldKey), perSecond),
          scene.client.sendSteadily(() => scene.token(), perSecond),
        ]);
        scene.finishRotation();
        const taken = await scene.client.waitFor(200, () => scene.token(), capSeconds);
        const oldAfterwards = await scene.client.send(scene.token(scene.oldKey));
        return { old: [...old, oldAfterwards], young, taken };
      });
      await scene.close();
      const { old, young, taken } = result;
      return {
        text: `old key ${statusesOf(old)}, new key ${statusesOf(young)}; accepted ${after(taken, capSeconds)}${fetched('', fetches)}`,
        passed: all(old, 200) && taken !== null && taken <= 11 && fetches <= 4,
        values: { oldKey: statusesOf(old), newKey: statusesOf(young), acceptedAfterSeconds: taken, fetches },
      };
    },
  };
}
