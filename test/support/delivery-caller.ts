/** A client that signs in and refreshes with exactly the headers that a test chooses, and keeps nothing. */
import type { Answer } from './http.js';
import { type SessionApp, setCookiesOf } from './session-app.js';

type Choice = 'cookies' | 'body' | null;

const choiceHeader = (choice: Choice): (readonly [string, string])[] =>
  choice === null ? [] : [['X-Token-Delivery', choice]];

export const json = [['Content-Type', 'application/json']] as const;

/** Signs in with a choice, and refreshes with the token in a place and another choice. */
export class DeliveryCaller {
  constructor(readonly story: SessionApp) {}

  async signIn(choice: Choice): Promise<{ readonly answer: Answer; readonly refreshToken: string }> {
    const body = JSON.stringify({ userId: 'alice' });
    const answer = await this.story.app.call('/sign-in', {
      method: 'POST',
      headers: [...json, ...choiceHeader(choice)],
      body,
    });
    return { answer, refreshToken: refreshTokenOf(answer) };
  }

  refresh(token: string, place: 'cookies' | 'body', choice: Choice = null): Promise<Answer> {
    const inCookie = place === 'cookies';
    return this.story.app.call('/auth/refresh', {
      method: 'POST',
      headers: [...(inCookie ? [['Cookie', `__Host-refresh=${token}`] as const] : json), ...choiceHeader(choice)],
      ...(!inCookie && { body: JSON.stringify({ refresh_token: token }) }),
    });
  }
}

/** The refresh token of an answer, in cookies or in the body. */
export function refreshTokenOf(answer: Answer): string {
  const line = setCookiesOf(answer).find((cookie) => cookie.includes('refresh='));
  return line?.split(/[=;]/)[1] ?? (answer.json as { refresh_token: string }).refresh_token;
}
