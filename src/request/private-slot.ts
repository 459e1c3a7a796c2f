/** Keeps a value with an object of the app or the framework, for the object's lifetime. */
export interface PrivateSlot<Value> {
  /** The value of exactly this object, never that of a prototype, of the original of a copy, or of a proxy's target. */
  readonly find: (holder: object) => Value | undefined;
  readonly set: (holder: object, value: Value) => void;
}

/**
 * Creates a slot on objects that the package does not own, such as requests. Printing, listing, copying or wrapping the object
 * does not show the value.
 *
 * The value is in a private field, which a class can add to an object that it did not construct. A WeakMap would do as well,
 * but slows the garbage collector down when every request adds an entry (docs/decisions/0017).
 */
export function createPrivateSlot<Value extends object>(): PrivateSlot<Value> {
  /** For objects that are not extensible: ECMAScript is about to forbid private fields on them. */
  const elsewhere = new WeakMap<object, Value>();

  // Declared inside, so that each call creates a private name of its own.
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

/** A base class whose constructor returns the given object, so that private fields of a subclass are added to that object. */
// eslint-disable-next-line @typescript-eslint/no-extraneous-class -- only a constructor can return the object
class Given {
  constructor(holder: object) {
    return holder;
  }
}
