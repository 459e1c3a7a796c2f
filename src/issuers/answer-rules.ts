import { IsNumber, Max, Min, ValidateIf } from 'class-validator';

/** The last millisecond that a `Date` can represent. */
const lastMillisecond = 8.64e15;

/** Accepts `null` in addition to what the other rules accept. The member must be present. */
export function OrNull(): PropertyDecorator {
  return ValidateIf((_, value) => value !== null);
}

/** A time in milliseconds since 1970. */
export function IsMilliseconds(): PropertyDecorator {
  return all(IsNumber(), Min(0), Max(lastMillisecond));
}

/** A time in seconds since 1970. */
export function IsSeconds(): PropertyDecorator {
  return all(IsNumber(), Min(0), Max(lastMillisecond / 1_000));
}

function all(...rules: readonly PropertyDecorator[]): PropertyDecorator {
  return (target, name) => {
    for (const rule of rules) rule(target, name);
  };
}
