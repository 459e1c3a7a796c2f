import { IsNumber, Max, Min, ValidateIf } from 'class-validator';

/** The last millisecond that a `Date` can tell. */
const lastMillisecond = 8.64e15;

/** Beside other rules: `null` will do as well. Left out, the member is missed. */
export function OrNull(): PropertyDecorator {
  return ValidateIf((_, value) => value !== null);
}

/** A moment in milliseconds since 1970. */
export function IsMilliseconds(): PropertyDecorator {
  return all(IsNumber(), Min(0), Max(lastMillisecond));
}

/** A moment in seconds since 1970. */
export function IsSeconds(): PropertyDecorator {
  return all(IsNumber(), Min(0), Max(lastMillisecond / 1_000));
}

function all(...rules: readonly PropertyDecorator[]): PropertyDecorator {
  return (target, name) => {
    for (const rule of rules) rule(target, name);
  };
}
