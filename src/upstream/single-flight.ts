/** Lets all callers that ask while a call is in progress share that call. Calls of different keys are independent. */
export class SingleFlight<Result> {
  private readonly flights = new Map<string, Promise<Result>>();

  /** Whether no call is in progress. */
  get isIdle(): boolean {
    return this.flights.size === 0;
  }

  /** Joins the call of this key that is in progress, or starts `call`. */
  run(call: () => Promise<Result>, key = ''): Promise<Result> {
    const known = this.flights.get(key);
    if (known !== undefined) return known;
    const flight = call().finally(() => {
      this.flights.delete(key);
    });
    this.flights.set(key, flight);
    return flight;
  }

  /** Waits until the call of this key has ended, successfully or not. */
  async landed(key = ''): Promise<void> {
    await this.flights.get(key)?.catch(() => undefined);
  }
}
