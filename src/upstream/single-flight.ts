/** Lets everybody who asks while a call is under way share that call. */
export class SingleFlight<Result> {
  private flight: Promise<Result> | undefined;

  /** Joins the call that is under way, or starts `call`. */
  run(call: () => Promise<Result>): Promise<Result> {
    this.flight ??= call().finally(() => {
      this.flight = undefined;
    });
    return this.flight;
  }

  /** Waits until the call that is under way has ended, however it ends. */
  async landed(): Promise<void> {
    await this.flight?.catch(() => undefined);
  }
}
