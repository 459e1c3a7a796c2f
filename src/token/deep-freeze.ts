/** Freezes a parsed JSON value all the way down, so that no handler can change what others will read. */
export function deepFreeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) freeze(value);
  return value;
}

function freeze(value: object): void {
  Object.freeze(value);
  for (const member of Object.values(value) as readonly unknown[]) {
    // What is frozen already has been frozen from here, all the way down.
    if (typeof member === 'object' && member !== null && !Object.isFrozen(member)) freeze(member);
  }
}
