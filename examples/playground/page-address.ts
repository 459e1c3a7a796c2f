/** The address of the page, which is the only redirect URI of the provider. */
export class PageAddress {
  constructor(readonly url: string) {}
}
