/** A call of gRPC that the server streams its answer to; others are over with one answer. */
export interface GrpcStream {
  readonly cancelled: boolean;
  readonly writableEnded: boolean;
  readonly destroyed: boolean;
  emit(event: 'cancelled' | 'error', error?: object): unknown;
}

export function isGrpcStream(call: unknown): call is GrpcStream {
  return typeof call === 'object' && call !== null && 'writableEnded' in call && 'cancelled' in call && 'emit' in call;
}

export function isStreaming({ cancelled, writableEnded, destroyed }: GrpcStream): boolean {
  return !cancelled && !writableEnded && !destroyed;
}

/** Tells the client why, and has Nest stop asking the handler for more. */
export function endStream(stream: GrpcStream, code: number, details: string): void {
  stream.emit('error', { code, details });
  stream.emit('cancelled');
}
