import { Logger } from '@nestjs/common';
import { withPage } from '../errors/docs-url.js';
import type { AuthEvent, RefusedEvent, ReportEvent } from './auth-event.js';
import { describeThrown } from './log-text.js';

/**
 * Writes events to the app's log: a refusal at `debug`, the start of an outage at `error` and its end at `log`, a reused
 * refresh token at `warn`, a configuration error and an error thrown by a rule of the app at `error`.
 */
export class EventLog {
  private readonly logger = new Logger('Gatehouse');

  constructor(
    /** The app's own listener, called with each event after it was logged. */
    private readonly onEvent: ReportEvent | null = null,
  ) {}

  readonly report = (event: AuthEvent): void => {
    this.write(event);
    if (this.onEvent === null) return;
    try {
      this.onEvent(event);
    } catch (error) {
      // A listener that fails must not change the answer to a request.
      const { problem, frames } = describeThrown(error, null);
      this.logger.error([`onEvent threw: ${problem}`, ...frames.map((frame) => `    ${frame}`)].join('\n'));
    }
  };

  private write(event: AuthEvent): void {
    switch (event.type) {
      case 'refused':
        this.logger.debug(describeRefusal(event));
        return;
      case 'outage-began':
        this.logger.error(`Cannot get ${event.what}: ${event.problem}. ${event.consequence}`);
        return;
      case 'outage-ended':
        this.logger.log(`Got ${event.what} again, after ${event.lastedSeconds} s`);
        return;
      case 'refresh-token-reused':
        this.logger.warn(
          `Session ${event.sessionId} was ended: a refresh token of it came again after it had been replaced, so it may have been stolen`,
        );
        return;
      case 'replaced-api-key-used':
        this.logger.debug(
          `API key ${event.keyId} was used with the secret before its rotation, which is accepted until ${event.validUntil.toISOString()}`,
        );
        return;
      case 'mail-not-sent':
        this.logger.error(`A mail (${event.kind}) was not sent, after several attempts: ${event.problem}`);
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
  }
}

function describeRefusal({ code, reason, explanation, handler, anonymous }: RefusedEvent): string {
  const refused = code === 'SERVER_ERROR' ? 'could not be decided' : 'refused';
  const outcome = anonymous ? 'went on without a user' : refused;
  const name = reason === null ? code : `${code}, ${reason}`;
  return `${handler}: ${outcome} (${name}). ${withPage(explanation, code, reason)}`;
}
