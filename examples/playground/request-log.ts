import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { LoggerService } from '@nestjs/common';

export interface LogLine {
  readonly level: 'fatal' | 'error' | 'warn' | 'log' | 'debug' | 'verbose';
  readonly context: string;
  readonly message: string;
}

const keptRequests = 200;

/**
 * The app's logger: it records the lines that were logged during a request, so that the page can show them.
 *
 * A real app does not need it, because the same lines are in its log at level debug.
 */
export class RequestLog implements LoggerService {
  private readonly current = new AsyncLocalStorage<LogLine[]>();
  private readonly byRequest = new Map<string, LogLine[]>();

  /** Gives each request an id, sends it in `X-Request-Id`, and collects the lines of the request. */
  readonly middleware = (_request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    const id = randomUUID();
    const lines: LogLine[] = [];
    this.byRequest.set(id, lines);
    this.forgetOldest();
    response.setHeader('X-Request-Id', id);
    this.current.run(lines, next);
  };

  find(requestId: string): readonly LogLine[] | undefined {
    return this.byRequest.get(requestId);
  }

  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  error(message: unknown, ...rest: unknown[]): void {
    this.write('error', message, rest);
  }

  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }

  log(message: unknown, ...rest: unknown[]): void {
    this.write('log', message, rest);
  }

  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }

  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('verbose', message, rest);
  }

  /** Nest passes the name of the logger last; an error may have its stack in between. */
  private write(level: LogLine['level'], message: unknown, rest: readonly unknown[]): void {
    const last = rest.at(-1);
    const context = typeof last === 'string' ? last : '';
    // What stops the start is printed by start.ts.
    if (context === 'ExceptionHandler') return;
    const line: LogLine = { level, context, message: String(message) };
    this.current.getStore()?.push(line);
    if (level === 'fatal' || level === 'error' || level === 'warn') {
      console.error(`${new Date().toLocaleTimeString()}  ${level}  [${line.context}] ${line.message}`);
    }
  }

  private forgetOldest(): void {
    if (this.byRequest.size <= keptRequests) return;
    for (const id of this.byRequest.keys()) {
      this.byRequest.delete(id);
      return;
    }
  }
}
