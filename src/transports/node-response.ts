/** Node's response, of HTTP/1.1 or HTTP/2. */
export interface NodeResponse {
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  readonly destroyed?: boolean;
  readonly writableNeedDrain?: boolean;
  /** The stream of HTTP/2. A reset destroys it, and the response shows nothing of that. */
  readonly stream?: { readonly writableNeedDrain: boolean; readonly destroyed: boolean } | undefined;
  /** The head of HTTP/1.1 as it was sent. It alone has the headers that are passed to `writeHead`. */
  readonly _header?: unknown;
  readonly req?: { readonly httpVersionMajor?: number; readonly socket?: { destroySoon?(): void } | null };
  getHeader(name: string): unknown;
  on(event: 'close' | 'error' | 'finish', listener: () => void): unknown;
  end(text: string): unknown;
  write(...args: readonly unknown[]): unknown;
  destroy(error?: Error): unknown;
}

/** Node's response in the reply of Fastify, or the response itself; `undefined` for what is neither. */
export function nodeResponseOf(response: unknown): NodeResponse | undefined {
  if (typeof response !== 'object' || response === null) return undefined;
  const raw: unknown = (response as { readonly raw?: unknown }).raw ?? response;
  if (typeof raw !== 'object' || raw === null) return undefined;
  return typeof (raw as Partial<NodeResponse>).writableEnded === 'boolean' ? (raw as NodeResponse) : undefined;
}
