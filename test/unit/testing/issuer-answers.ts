/** Reads responses of issuers, for the tests of their faults. */
export const openIdPath = '/.well-known/openid-configuration';
export const oauthPath = '/.well-known/oauth-authorization-server';

export async function statusOf(url: string): Promise<number> {
  const answer = await fetch(url, { redirect: 'manual' });
  await answer.arrayBuffer();
  return answer.status;
}

/** The `code` of the system error that caused a failed fetch. */
export async function failureOf(pending: Promise<unknown>): Promise<unknown> {
  const error: unknown = await pending.then(
    () => 'no failure',
    (reason: unknown) => reason,
  );
  return ((error as Error).cause as { code?: unknown } | undefined)?.code ?? (error as Error).name;
}
