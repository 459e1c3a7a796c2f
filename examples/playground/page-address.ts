/** Where the page is served: the only address to which the provider sends people back. */
export class PageAddress {
  constructor(readonly url: string) {}
}
