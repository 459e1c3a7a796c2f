/**
 * Gives a call so much time and no more. Its signal is aborted when it is over, however it ended, so that a
 * body that was not read to its end does not hold its socket.
 */
export async function withinDeadline<Result>(
  timeoutMs: number,
  lateFailure: () => Error,
  call: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(lateFailure());
    }, timeoutMs);
  });
  try {
    // A race, as an abort alone does not end everything: a body that is not what its content-encoding says
    // leaves its reader waiting for good, and with it all who share the call.
    return await Promise.race([call(controller.signal), deadline]);
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}
