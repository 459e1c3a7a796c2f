import type { Handshake } from './handshake.js';

/** A class of an app. */
export type Gateway = (new (...parts: never[]) => object) & { readonly name: string };

/** Nest's name-to-be of the contexts of handshakes: Nest itself knows none. */
export const handshakeType = 'ws-handshake';

/** Gateways need not have one; marks on it are those of the handshake alone. */
function handleConnection(): void {
  // Never called.
}

/** The execution context that the guard is handed for a handshake, with what it reads of those that Nest makes. */
export class HandshakeContext {
  constructor(
    private readonly gateway: Gateway,
    private readonly handshake: Handshake,
  ) {}

  getClass(): Gateway {
    return this.gateway;
  }

  getHandler(): () => void {
    const { handleConnection: own } = this.gateway.prototype as { handleConnection?: () => void };
    return own ?? handleConnection;
  }

  getType(): string {
    return handshakeType;
  }

  getArgs(): readonly unknown[] {
    return [this.handshake];
  }

  getArgByIndex(index: number): unknown {
    return this.getArgs()[index];
  }

  switchToHttp(): never {
    throw new TypeError('A handshake is no HTTP call');
  }

  switchToRpc(): never {
    throw new TypeError('A handshake is no message of a microservice');
  }

  switchToWs(): never {
    throw new TypeError('A handshake has no client yet');
  }
}
