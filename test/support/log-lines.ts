import type { LoggerService } from '@nestjs/common';
import { pageOf } from '../../src/errors/docs-url.js';
import type { AuthErrorCode, RefusalReason } from '../../src/errors/auth-error.js';

export type LogLevel = 'debug' | 'verbose' | 'log' | 'warn' | 'error' | 'fatal';

export interface LogLine {
  readonly level: LogLevel;
  /** All arguments of the log call as text, including the context. */
  readonly text: string;
  /** The context: the name of the logger. */
  readonly context: string;
}

/** A Nest logger that records the lines of every level. */
export class LogLines implements LoggerService {
  readonly lines: LogLine[] = [];

  readonly debug = this.keep('debug');
  readonly verbose = this.keep('verbose');
  readonly log = this.keep('log');
  readonly warn = this.keep('warn');
  readonly error = this.keep('error');
  readonly fatal = this.keep('fatal');

  /** The lines that the package wrote, of one level or of all. */
  ours(level?: LogLevel): LogLine[] {
    return this.lines.filter((line) => line.context === 'Gatehouse' && (level === undefined || line.level === level));
  }

  forget(): void {
    this.lines.length = 0;
  }

  private keep(level: LogLevel): (...parts: unknown[]) => void {
    return (...parts) => {
      const texts = parts.map((part) => (part instanceof Error ? (part.stack ?? part.message) : String(part)));
      this.lines.push({ level, text: texts.slice(0, -1).join(' '), context: texts.at(-1) ?? '' });
    };
  }
}

/** How the line of a refusal ends: with the address of its page. The literal text is held by event-log.service.spec.ts. */
export function see(code: AuthErrorCode, reason: RefusalReason | null = null): string {
  return `. See ${pageOf(code, reason)}`;
}
