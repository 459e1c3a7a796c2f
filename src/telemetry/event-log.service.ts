import { Injectable, Logger } from '@nestjs/common';
import type { AuthEvent, RefusedEvent } from './auth-event.js';

/**
 * Writes what happened to the app's log: a refusal at `debug`, an outage at `error` (once, and once more
 * at `log` when it is over), a wiring mistake and what a rule of the app throws at `error`.
 */
@Injectable()
export class EventLog {
  private readonly logger = new Logger('Gatehouse');
  private readonly explained = new WeakSet<object>();

  /** Reports what came of a request, once: two guards may stand before one handler. */
  explain(request: object, event: RefusedEvent): void {
    if (this.explained.has(request)) return;
    this.explained.add(request);
    this.report(event);
  }

  readonly report = (event: AuthEvent): void => {
    switch (event.type) {
      case 'refused': {
        const refused = event.code === 'SERVER_ERROR' ? 'could not be decided' : 'refused';
        const verdict = event.anonymous ? 'went on without a user' : refused;
        const reason = event.reason === null ? event.code : `${event.code}, ${event.reason}`;
        this.logger.debug(`${event.handler}: ${verdict} (${reason}). ${event.explanation}`);
        return;
      }
      case 'outage-began':
        this.logger.error(`Cannot get ${event.what}: ${event.problem}. ${event.consequence}`);
        return;
      case 'outage-ended':
        this.logger.log(`Got ${event.what} again, after ${event.lastedSeconds} s`);
        return;
      case 'misconfigured':
        this.logger.error(`${event.problem}. ${event.fix}`);
        return;
      case 'rule-failed': {
        const { rule, handler, problem, frames } = event;
        const lines = [
          `${handler}: ${rule} threw, so it refuses: ${problem}`,
          ...frames.map((frame) => `    ${frame}`),
        ];
        this.logger.error(lines.join('\n'));
        return;
      }
    }
  };
}
