import type { AppModules } from '../find-app-provider.js';
import { type ObjectMaker, openAppObject } from '../app-object.js';
import type { EventLog } from '../telemetry/event-log.service.js';
import { describeThrown } from '../telemetry/log-text.js';
import { type AccountEvent } from './account.js';
import type { AccountListener, AccountTerms, SignUpHook } from './account-options.js';
import { MailLog } from './mail-log.service.js';
import type { MailSender } from './mail-sender.js';

/** The objects of the app that the options name. They are made when the app starts. */
export class AccountsAppObjects {
  private sender: MailSender | null = null;
  private hook: SignUpHook | null = null;
  private listener: AccountListener | null = null;

  constructor(
    private readonly terms: AccountTerms,
    private readonly modules: AppModules,
    private readonly moduleRef: ObjectMaker,
    private readonly log: EventLog,
  ) {}

  readonly findSender = (): MailSender => (this.sender ??= new MailLog());
  readonly findHook = (): SignUpHook | null => this.hook;

  async open(): Promise<void> {
    const { where, mail, beforeSignUp, onEvent } = this.terms;
    const open = <Value extends object>(given: Parameters<typeof openAppObject<Value>>[0] | null, option: string) =>
      given === null ? null : openAppObject(given, `${where}({ ${option} })`, this.modules, this.moduleRef);
    this.sender = await open(mail, 'mail');
    await this.sender?.open?.();
    this.hook = await open(beforeSignUp, 'beforeSignUp');
    this.listener = await open(onEvent, 'onEvent');
  }

  async close(): Promise<void> {
    await this.sender?.close?.();
  }

  /** Hands an event to the app, and logs what its function throws. */
  readonly emit = (event: AccountEvent): void => {
    if (this.listener === null) return;
    try {
      void Promise.resolve(this.listener.onEvent(event)).catch(this.reportThrown);
    } catch (error) {
      this.reportThrown(error);
    }
  };

  private readonly reportThrown = (thrown: unknown): void => {
    const { problem, frames } = describeThrown(thrown, null);
    const rule = `${this.terms.where}({ onEvent })`;
    this.log.report({ type: 'rule-failed', rule, handler: 'AccountsModule', problem, frames });
  };
}
