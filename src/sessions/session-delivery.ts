import { RefusalError } from '../errors/auth-error.js';
import type { RequestView } from '../request/request-view.js';
import { type TokenDelivery, tokenDeliveries } from './session-store.js';

/**
 * How a client wants to receive its tokens, by the header `X-Token-Delivery`; `null` where it does not say.
 *
 * @throws {RefusalError} `INVALID_REQUEST` for an unknown value, and for one that the app does not offer.
 */
export function readDeliveryChoice(view: RequestView, offered: readonly TokenDelivery[]): TokenDelivery | null {
  const values = view.headers('x-token-delivery').map((value) => value.trim());
  if (values.length === 0) return null;
  const choice = tokenDeliveries.find((delivery) => delivery === values[0]);
  if (choice !== undefined && values.length === 1 && offered.includes(choice)) return choice;
  throw RefusalError.of('INVALID_REQUEST', `X-Token-Delivery is not one of ${offered.join(', ')}`);
}

/** The refusal of a choice that contradicts how the session delivers its tokens. */
export function deliveryFault(expected: TokenDelivery): RefusalError {
  return RefusalError.of('INVALID_REQUEST', `X-Token-Delivery contradicts the session, which delivers by ${expected}`);
}
