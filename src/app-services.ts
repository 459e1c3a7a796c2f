import { Clock, SystemClock } from './clock/clock.js';
import type { AuthEvent } from './telemetry/auth-event.js';
import { EventLog } from './telemetry/event-log.service.js';

/** The part of Nest's `ModuleRef` that is used here. */
export interface ProviderFinder {
  get<Service>(
    token: abstract new (...parameters: never[]) => Service,
    options?: { readonly strict: boolean },
  ): Service;
}

/**
 * The clock and the log of the app's `AuthModule`, for modules of stores. They are looked up when the app is initialized, and not
 * injected: options of `AuthModule` may depend on a service of the app that depends on a store.
 */
export class AppServices extends Clock {
  private clock: Clock = new SystemClock();
  private log = new EventLog();

  readonly report = (event: AuthEvent): void => {
    this.log.report(event);
  };

  override now(): Date {
    return this.clock.now();
  }

  /** All providers of the app have been made by then. */
  connect(moduleRef: ProviderFinder): void {
    this.clock = findProvider(moduleRef, Clock) ?? this.clock;
    this.log = findProvider(moduleRef, EventLog) ?? this.log;
  }
}

/** The instance of any module of the app; `null` where there is none. */
function findProvider<Service>(
  moduleRef: ProviderFinder,
  token: abstract new (...parameters: never[]) => Service,
): Service | null {
  try {
    return moduleRef.get<Service>(token, { strict: false });
  } catch {
    return null;
  }
}
