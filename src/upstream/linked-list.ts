/** An item in a `LinkedList`, by which it is removed. */
export interface LinkedItem<Item> {
  readonly item: Item;
}

interface Link<Item> extends LinkedItem<Item> {
  previous: Link<Item> | null;
  next: Link<Item> | null;
}

/**
 * Items in the order in which they were added. Adding, removing any of them, and reading the first and the last take the same
 * time whatever the length; a `Set` has no last item, and looks for its first one among those that were removed.
 */
export class LinkedList<Item> {
  private firstLink: Link<Item> | null = null;
  private lastLink: Link<Item> | null = null;

  get first(): Item | undefined {
    return this.firstLink?.item;
  }

  get last(): Item | undefined {
    return this.lastLink?.item;
  }

  /** Adds an item behind all others. */
  add(item: Item): LinkedItem<Item> {
    const link: Link<Item> = { item, previous: this.lastLink, next: null };
    if (this.lastLink === null) this.firstLink = link;
    else this.lastLink.next = link;
    this.lastLink = link;
    return link;
  }

  /**
   * Removes what `add` has returned. It must be in this list. The link forgets its neighbours: one that the garbage collector has
   * promoted would keep them, and they the next ones, until the next major collection.
   */
  remove(added: LinkedItem<Item>): void {
    const link = added as Link<Item>;
    const { previous, next } = link;
    link.previous = null;
    link.next = null;
    if (previous === null) this.firstLink = next;
    else previous.next = next;
    if (next === null) this.lastLink = previous;
    else next.previous = previous;
  }
}
