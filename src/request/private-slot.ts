/** Something that is kept with objects of apps and frameworks, each for as long as it lives. */
export interface PrivateSlot<Value> {
  /** The value of exactly this object: not of one that it inherits from, is a copy of or a proxy for. */
  readonly find: (holder: object) => Value | undefined;
  readonly set: (holder: object, value: Value) => void;
}

/**
 * Makes a member for objects that are not ours, such as the requests of a framework. Nobody sees it, whoever prints, lists, copies or
 * wraps the object.
 *
 * A WeakMap does so too, but holds up the collector when it gets an entry with every request (docs/decisions/0017). So the
 * value is in a private field, which a class can give to an object that it has not made.
 */
export function createPrivateSlot<Value extends object>(): PrivateSlot<Value> {
  /** For objects that take no member: ECMAScript is about to forbid it to private ones as well. */
  const elsewhere = new WeakMap<object, Value>();

  // In here, so that each call makes a private name of its own.
  class Member extends Given {
    #value: Value;

    constructor(holder: object, value: Value) {
      super(holder);
      this.#value = value;
    }

    static find(holder: object): Value | undefined {
      return #value in holder ? holder.#value : elsewhere.get(holder);
    }

    static set(holder: object, value: Value): void {
      if (#value in holder) holder.#value = value;
      else if (Object.isExtensible(holder)) new Member(holder, value);
      else elsewhere.set(holder, value);
    }
  }

  return { find: (holder) => Member.find(holder), set: (holder, value) => Member.set(holder, value) };
}

/** A base whose instances are the objects that it is given: private fields of a class built on it are theirs. */
// eslint-disable-next-line @typescript-eslint/no-extraneous-class -- there is no other way to it
class Given {
  constructor(holder: object) {
    return holder;
  }
}
