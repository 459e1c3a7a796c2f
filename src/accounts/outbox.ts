import type { Timer } from '../clock/clock.js';
import { atEndOfTurn } from '../clock/turn.js';
import { isConfigurationError } from '../errors/auth-error.js';
import type { ReportEvent } from '../telemetry/auth-event.js';
import { describeThrown } from '../telemetry/log-text.js';
import type { AccountMail, MailSender } from './mail-sender.js';

export interface OutboxParts {
  readonly findSender: () => MailSender;
  readonly report: ReportEvent;
  readonly createTimer: () => Timer;
}

const pausesMs = [1_000, 10_000];
/** The app shuts down without the mails that take longer. */
const longestDrainMs = 5_000;
/** A provider that is down for long must not fill the memory. */
const mostWaiting = 1_000;

/** Sends mails after the request was answered, so that no answer waits for a mail server, or tells by its time whether one is sent. */
export class Outbox {
  private readonly waiting = new Set<AccountMail>();
  private readonly settled: (() => void)[] = [];

  constructor(private readonly parts: OutboxParts) {}

  /** Sends a mail when the current request has been answered. It is tried 3 times. */
  post(mail: AccountMail): void {
    if (this.waiting.size >= mostWaiting) {
      this.reportFailure(mail, `${mostWaiting} mails are waiting to be sent`);
      return;
    }
    this.waiting.add(mail);
    atEndOfTurn(() => {
      void this.attempt(mail, 0);
    });
  }

  /** Resolves when all mails were sent or given up, or after 5 seconds. */
  async drain(): Promise<void> {
    if (this.waiting.size === 0) return;
    await new Promise<void>((resolve) => {
      this.settled.push(resolve);
      this.parts.createTimer().set(longestDrainMs, resolve);
    });
  }

  private async attempt(mail: AccountMail, failures: number): Promise<void> {
    try {
      await this.parts.findSender().send(mail);
    } catch (error) {
      const pauseMs = isConfigurationError(error) ? undefined : pausesMs[failures];
      if (pauseMs !== undefined) {
        this.parts.createTimer().set(pauseMs, () => void this.attempt(mail, failures + 1));
        return;
      }
      this.reportFailure(mail, describeFailure(error, mail));
    }
    this.waiting.delete(mail);
    if (this.waiting.size > 0) return;
    for (const resolve of this.settled.splice(0)) resolve();
  }

  private reportFailure({ kind }: AccountMail, problem: string): void {
    this.parts.report({ type: 'mail-not-sent', kind, problem });
  }
}

/** What a sender of the app throws may repeat the mail, in whatever case. */
function describeFailure(error: unknown, { to, code, link }: AccountMail): string {
  const { problem } = describeThrown(error, null);
  const secrets = [to, code, link].filter((secret): secret is string => Boolean(secret));
  const hidden = secrets.reduce((text, secret) => withoutCut(replaceAll(text, secret, '[…]'), secret), problem);
  return hidden.replaceAll(/goc_[\w-]+/gi, '[…]');
}

/** A text that was cut for the log may end within a secret. */
function withoutCut(text: string, secret: string): string {
  const [, kept = '', end = ''] = /^(.*)(…"?)$/.exec(text) ?? [];
  for (let length = secret.length - 1; length > 0; length -= 1) {
    const part = secret.slice(0, length).toLowerCase();
    if (kept.toLowerCase().endsWith(part)) return `${kept.slice(0, -length)}[…]${end}`;
  }
  return text;
}

function replaceAll(text: string, part: string, by: string): string {
  return text.replaceAll(new RegExp(part.replaceAll(/[^\w]/g, String.raw`\$&`), 'gi'), by);
}
