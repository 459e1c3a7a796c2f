/** A transport of an app's own, written against public names alone: a bot whose updates carry headers. */
import { ForbiddenException } from '@nestjs/common';
import {
  type Answer,
  type AuthError,
  type CallContext,
  createRequestView,
  type RequestView,
  Transport,
  type TransportPlugin,
} from 'nest-gatehouse';

/** The one argument of a handler. */
export interface BotUpdate {
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
}

class BotTransport extends Transport {
  override readonly contextType = 'bot';

  override view(context: CallContext): RequestView {
    const update = context.getArgs()[0] as BotUpdate;
    return createRequestView(update, (name) => [update.headers[name] ?? []].flat());
  }

  override addHeaders(): void {
    // An answer of the bot has no headers.
  }

  override toException({ body }: Answer, error: AuthError): Error {
    return new ForbiddenException(body, { cause: error });
  }
}

export function bot(): TransportPlugin {
  return { contextType: 'bot', open: () => [new BotTransport()] };
}
