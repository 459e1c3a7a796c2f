import { askStore } from '../ask-store.js';
import { SessionStore } from './session-store.js';

/** A store of sessions whatever errors of which are those of a store that does not answer, since it may be one of the app. */
export class AskedSessionStore extends SessionStore {
  constructor(private readonly store: SessionStore) {
    super();
  }

  override create(...given: Parameters<SessionStore['create']>): Promise<void> {
    return this.ask(() => this.store.create(...given));
  }

  override find(id: string): ReturnType<SessionStore['find']> {
    return this.ask(() => this.store.find(id));
  }

  override rotate(...given: Parameters<SessionStore['rotate']>): Promise<boolean> {
    return this.ask(() => this.store.rotate(...given));
  }

  override end(...given: Parameters<SessionStore['end']>): Promise<boolean> {
    return this.ask(() => this.store.end(...given));
  }

  override endAll(...given: Parameters<SessionStore['endAll']>): Promise<readonly string[]> {
    return this.ask(() => this.store.endAll(...given));
  }

  override list(...given: Parameters<SessionStore['list']>): ReturnType<SessionStore['list']> {
    return this.ask(() => this.store.list(...given));
  }

  override listByLogin(...given: Parameters<SessionStore['listByLogin']>): Promise<readonly string[]> {
    return this.ask(() => this.store.listByLogin(...given));
  }

  override deleteEnded(...given: Parameters<SessionStore['deleteEnded']>): Promise<number> {
    return this.ask(() => this.store.deleteEnded(...given));
  }

  override purge(...given: Parameters<SessionStore['purge']>): Promise<number> {
    return this.ask(() => this.store.purge(...given));
  }

  private ask<Result>(call: () => Promise<Result>): Promise<Result> {
    return askStore('of the sessions', call);
  }
}
