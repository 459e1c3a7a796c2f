import { isRefusal, RefusalError } from '../errors/auth-error.js';
import { decodeBase64UrlText } from '../token/base64url.js';
import { type JsonObject, parseJsonObject } from '../token/json-object.js';
import type { CodePurpose, OneTimeCodes } from './one-time-codes.js';

/** What a passkey is asked for. */
export type PasskeyCeremony = Extract<CodePurpose, 'passkey-registration' | 'passkey-sign-in'>;

/** What `PublicKeyCredential.toJSON()` gives in a browser, of which nothing is known yet. */
export type PasskeyResponse = JsonObject;

/** How long a challenge is good. */
export const challengeSeconds = 300;

/** A challenge for the one who has asked for it. */
export interface ChallengeRequest {
  readonly ceremony: PasskeyCeremony;
  /** What has to be proven beside the answer: the session, or the SHA-256 of what the client alone has. It is stored readable. */
  readonly boundTo: string;
  /** The account that the challenge ends with; `null` where it is not known. */
  readonly accountId: string | null;
}

/**
 * The challenges of passkeys. Each is a one-time code: it is good for one answer, for 5 minutes, for one ceremony, and for the one
 * who has asked for it.
 */
export class PasskeyChallenges {
  constructor(private readonly findCodes: () => OneTimeCodes) {}

  /** @returns a text whose UTF-8 is the challenge, with 128 random bits */
  async issue({ ceremony: purpose, boundTo, accountId }: ChallengeRequest): Promise<string> {
    return (await this.findCodes().issue({ purpose, accountId, payload: { boundTo } })).code;
  }

  /**
   * Uses up the challenge that an answer repeats, before anything else of the answer is judged: the same answer is of no use again.
   *
   * @param isBound whether the request proves what the challenge was bound to
   * @returns the challenge as the answer repeats it, in base64url
   * @throws {RefusalError} `INVALID_CREDENTIALS`
   */
  async use(
    ceremony: PasskeyCeremony,
    response: PasskeyResponse,
    isBound: (boundTo: string, challenge: string) => boolean,
  ): Promise<string> {
    const { challenge, code } = readChallenge(response);
    const codes = this.findCodes();
    try {
      const found = await codes.findByLink(code, ceremony);
      const { boundTo } = found.payload;
      if (typeof boundTo !== 'string' || !isBound(boundTo, code)) {
        throw refusePasskey('The challenge is of another session or client');
      }
      await codes.use(found);
    } catch (error) {
      throw isRefusal(error) && error.code === 'INVALID_CODE' ? refusePasskey(error.explanation) : error;
    }
    return challenge;
  }
}

/** @param explanation for the log; the answer is the same for all */
export function refusePasskey(explanation: string): RefusalError {
  return RefusalError.of(
    'INVALID_CREDENTIALS',
    `The passkey was refused. ${explanation}`,
    'The passkey is not accepted',
  );
}

function readChallenge(response: PasskeyResponse): { readonly challenge: string; readonly code: string } {
  const { challenge, crossOrigin = false } = readClientData(response);
  // A page of another site that shows ours in a frame could make people confirm what they do not see.
  if (crossOrigin !== false) throw refusePasskey('It was asked for in a frame of another site');
  const code = typeof challenge === 'string' ? decodeBase64UrlText(challenge) : undefined;
  if (typeof challenge !== 'string' || code === undefined) throw refusePasskey('It repeats no challenge');
  return { challenge, code };
}

/** What the browser has hashed and the authenticator signed (WebAuthn Level 3 §5.8.1). */
function readClientData({ response }: PasskeyResponse): JsonObject {
  const text = isObject(response) ? response['clientDataJSON'] : undefined;
  const json = typeof text === 'string' ? decodeBase64UrlText(text) : undefined;
  return (json === undefined ? undefined : parseJsonObject(json)) ?? {};
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null;
}
