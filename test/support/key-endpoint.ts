/** A key server with a configurable set and configurable faults, which counts its requests. */
import { type IssuerFault, issuerFaults, sendFault } from '../../src/testing/issuer-fault.js';
import { startServer } from './answering-server.js';

/** The faults of a key server. `useless`: it has only keys for encryption. */
export type KeyTrouble = IssuerFault | 'useless';

export const keyTroubles: readonly KeyTrouble[] = [...issuerFaults, 'useless'];

interface Jwks {
  readonly keys: readonly object[];
}

export class KeyEndpoint {
  /** The content of the key set. */
  shown: Jwks;
  /** The number of requests. */
  reached = 0;
  private trouble: KeyTrouble | null = null;
  private held: (() => void)[] | null = null;

  private constructor(
    readonly jwksUri: string,
    shown: Jwks,
  ) {
    this.shown = shown;
  }

  /** Starts a server that runs until the test ends. */
  static async open(shown: Jwks): Promise<KeyEndpoint> {
    const { url } = await startServer((request, response) => {
      const { trouble } = endpoint;
      const elsewhere = request.url === '/elsewhere';
      endpoint.reached += 1;
      endpoint.whenReleased(() => {
        const body = JSON.stringify(endpoint.shown);
        if (trouble === null || elsewhere) response.writeHead(200, json).end(body);
        else if (trouble === 'useless')
          response.writeHead(200, json).end(JSON.stringify(forEncryption(endpoint.shown)));
        else sendFault(trouble, { response, body, emptyBody: '{"keys":[]}', elsewhere: '/elsewhere' });
      });
    });
    const endpoint: KeyEndpoint = new KeyEndpoint(`${url}/keys`, shown);
    return endpoint;
  }

  fail(trouble: KeyTrouble): void {
    this.trouble = trouble;
  }

  recover(): void {
    this.trouble = null;
  }

  /** Delays all responses until `release`. */
  hold(): void {
    this.held = [];
  }

  release(): void {
    const answers = this.held ?? [];
    this.held = null;
    for (const answer of answers) answer();
  }

  private whenReleased(answer: () => void): void {
    if (this.held === null) answer();
    else this.held.push(answer);
  }
}

const json = { 'content-type': 'application/json' };

function forEncryption({ keys }: Jwks): Jwks {
  return { keys: keys.map((key) => ({ ...key, use: 'enc' })) };
}
