/** Stores one value for each object of the app or the framework, for the lifetime of the object. */
export interface PrivateSlot<Value> {
  /**
   * Returns the value of exactly this object. The value of its prototype, of an object that it was copied from, or of a
   * proxy's target does not count.
   */
  readonly find: (holder: object) => Value | undefined;
  readonly set: (holder: object, value: Value) => void;
}

/**
 * Creates a slot for objects that the package does not own, such as requests. Printing, listing, copying or wrapping
 * the object does not reveal the value.
 *
 * The value is in a private field, which a class can add to an object that another class constructed. A WeakMap has the
 * same semantics, but slows the garbage collector down when every request adds an entry (docs/internals/decisions/0017).
 */
export function createPrivateSlot<Value extends object>(): PrivateSlot<Value> {
  /** For objects that are not extensible, because a proposal for ECMAScript forbids private fields on them. */
  const nonExtensible = new WeakMap<object, Value>();

  // Declared in the function, so that each slot has its own private name.
  class SlotHolder extends ReturnArgument {
    #value: Value;

    constructor(holder: object, value: Value) {
      super(holder);
      this.#value = value;
    }

    static find(holder: object): Value | undefined {
      return #value in holder ? holder.#value : nonExtensible.get(holder);
    }

    static set(holder: object, value: Value): void {
      if (#value in holder) holder.#value = value;
      else if (Object.isExtensible(holder)) new SlotHolder(holder, value);
      else nonExtensible.set(holder, value);
    }
  }

  return { find: (holder) => SlotHolder.find(holder), set: (holder, value) => SlotHolder.set(holder, value) };
}

/**
 * A base class whose constructor returns the given object, so that private fields of a subclass are added to that
 * object.
 */
// eslint-disable-next-line @typescript-eslint/no-extraneous-class -- only a constructor can return the object
class ReturnArgument {
  constructor(holder: object) {
    return holder;
  }
}
