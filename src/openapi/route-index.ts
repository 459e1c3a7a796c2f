import type { HttpHandlerInfo } from '../audit/handler-inventory.service.js';

const strictness = ['public', 'unguarded', 'optional', 'protected'] as const;

/** Finds the handler behind an operation of a document, by method and path, whatever the parameters are called. */
export class RouteIndex {
  private readonly served = new Map<string, HttpHandlerInfo>();
  /** By paths without the global prefix, which a document may leave out. */
  private readonly unprefixed = new Map<string, HttpHandlerInfo>();

  constructor(entries: readonly HttpHandlerInfo[]) {
    for (const entry of entries) {
      for (const { method, path, unprefixed } of entry.routes) {
        add(this.served, `${method} ${shapeOfRoute(path)}`, entry);
        add(this.unprefixed, `${method} ${shapeOfRoute(unprefixed)}`, entry);
      }
    }
  }

  /** `undefined` for an operation that no handler of Nest's stands behind. */
  find(method: string, path: string): HttpHandlerInfo | undefined {
    const shape = shapeOfTemplate(path);
    const keys = [`${method.toUpperCase()} ${shape}`, `ALL ${shape}`];
    return [this.served, this.unprefixed]
      .flatMap((index) => keys.map((key) => index.get(key)))
      .find((entry) => entry !== undefined);
  }
}

/** Versions told by a header share their path: the document then says what the strictest of them asks. */
function add(index: Map<string, HttpHandlerInfo>, key: string, entry: HttpHandlerInfo): void {
  const known = index.get(key);
  if (known !== undefined && rank(known) >= rank(entry)) return;
  index.set(key, entry);
}

function rank({ protection }: HttpHandlerInfo): number {
  return strictness.indexOf(protection);
}

/** A router's path, `/cats/:id`, with every parameter as `{}`. */
function shapeOfRoute(path: string): string {
  const plain = path.replaceAll(/\([^)]*\)/g, '').replaceAll(/[{}]/g, '');
  return trimmed(plain.replaceAll(/[:*]\w+\??|\*/g, '{}'));
}

/** A document's path, `/cats/{id}`, with every parameter as `{}`. */
function shapeOfTemplate(path: string): string {
  return trimmed(path.replaceAll(/\{[^}]*\}/g, '{}'));
}

function trimmed(path: string): string {
  return path.length > 1 ? path.replace(/\/$/, '') : path;
}
