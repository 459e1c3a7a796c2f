/** What a capability of a preset creates, for tests of that preset alone. */
import { type AuthContext, type Capability, createCapability } from '../../src/upstream/auth-context.js';

/** Fails when the capability is missing. */
export function createdOf<Value>(capability: Capability<Value> | undefined, context: AuthContext): Value {
  const created = capability === undefined ? null : createCapability(capability, context);
  if (created === null) throw new Error('The capability is missing');
  return created;
}
