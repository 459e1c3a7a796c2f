// A new app of one contender with a new key server, for one scenario.
import { setTimeout as sleep } from 'node:timers/promises';
import { startAppProcess } from '../rig/child.mjs';
import { Client } from '../rig/client.mjs';
import { KeyServer } from '../rig/key-server.mjs';
import { claimsOf, makeKey, makeToken } from '../rig/tokens.mjs';

const algorithm = 'ES256';
const threeDays = 3 * 24 * 3600;
/** The lifetime of cached keys, where a contender has an option for it. */
const shortKeyLifeMs = 2_000;
/** A little more than this package's default lifetime of keys (10 minutes), by the clock of the app. */
const ourKeyLifeSeconds = 601;

let users = 0;

export class Scene {
  static async open(contender, { behaviour = 'ok', shortKeyLife = false, config = {}, keyServer = {} } = {}) {
    const scene = new Scene();
    scene.contender = contender;
    scene.key = makeKey(algorithm);
    scene.keys = await KeyServer.start([scene.key.jwk], keyServer);
    await scene.keys.behave(behaviour);
    scene.app = await startAppProcess({
      contender: contender.name,
      adapter: 'express',
      algorithm,
      jwksUri: scene.keys.jwksUri,
      handClock: contender.ours === true,
      keyLifeMs: shortKeyLife ? shortKeyLifeMs : undefined,
      ...config,
    });
    scene.client = new Client(scene.app.port);
    return scene;
  }

  /** A new valid token, which no cache of tokens contains. */
  token = (key = this.key, claims = {}) => {
    users += 1;
    const exp = Math.floor(Date.now() / 1000) + threeDays;
    return makeToken(key, claimsOf(users, { exp, ...claims }));
  };

  /** Makes cached keys stale (open with `shortKeyLife`): by the clock of this package's app, by waiting for the others. */
  async passKeyLife() {
    if (this.contender.ours === true) await this.advance(ourKeyLifeSeconds);
    else await sleep(shortKeyLifeMs + 200);
  }

  advance(seconds) {
    return this.app.ask('advance', { seconds });
  }

  /** Publishes a new key, in addition to the old one or instead of it. */
  rotate({ keepOld }) {
    this.oldKey = this.key;
    this.key = makeKey(algorithm);
    this.keys.keys = [this.key.jwk, ...(keepOld ? this.keys.keys : [])];
  }

  /** Publishes the id of a new key in the set, without its key material. */
  rotateHalfway() {
    this.rotate({ keepOld: true });
    const [{ x, y, ...named }, ...others] = this.keys.keys;
    this.keys.keys = [named, ...others];
  }

  finishRotation() {
    this.keys.keys = [this.key.jwk, ...this.keys.keys.slice(1)];
  }

  /** The number of fetches at the key server while `act` ran. */
  async countFetches(act) {
    const before = this.keys.fetches;
    const result = await act();
    return { result, fetches: this.keys.fetches - before };
  }

  async close() {
    this.client.close();
    await this.app.stop();
    await this.keys.stop();
  }
}
