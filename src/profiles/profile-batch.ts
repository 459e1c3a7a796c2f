import { atEndOfTurn } from '../clock/turn.js';
import type { UserProfile } from './user-profile.js';

export interface ProfileBatchParts {
  /** Asks for several users at once: who is not in what it gives does not exist. */
  readonly ask: (userIds: readonly string[]) => Promise<ReadonlyMap<string, UserProfile>>;
  /** How many one question may name. */
  readonly mostIds: number;
  /** How many questions may be under way at a time. */
  readonly mostQuestions: number;
}

interface Waiting {
  readonly userId: string;
  readonly resolve: (profile: UserProfile | null) => void;
  readonly reject: (error: unknown) => void;
}

/** Collects the users who have to be asked for, and asks for them by few questions. */
export class ProfileBatch {
  private waiting: Waiting[] = [];

  constructor(private readonly parts: ProfileBatchParts) {}

  /** Asked for when everybody who asks in this turn of the event loop has done so. */
  find(userId: string): Promise<UserProfile | null> {
    return new Promise((resolve, reject) => {
      if (this.waiting.push({ userId, resolve, reject }) === 1) atEndOfTurn(() => void this.askAll());
    });
  }

  private async askAll(): Promise<void> {
    const { mostIds, mostQuestions } = this.parts;
    const waiting = this.waiting;
    this.waiting = [];
    const askers = Array.from({ length: mostQuestions }, async () => {
      for (let some = waiting.splice(0, mostIds); some.length > 0; some = waiting.splice(0, mostIds)) {
        await this.askSome(some);
      }
    });
    await Promise.all(askers);
  }

  private async askSome(some: readonly Waiting[]): Promise<void> {
    try {
      const found = await this.parts.ask(some.map(({ userId }) => userId));
      for (const { userId, resolve } of some) resolve(found.get(userId) ?? null);
    } catch (error) {
      for (const { reject } of some) reject(error);
    }
  }
}
