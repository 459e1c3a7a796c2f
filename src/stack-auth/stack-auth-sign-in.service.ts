import { RefusalError } from '../errors/auth-error.js';
import type { StackAuthSessionApi, StackAuthTokens } from '../issuers/stack-auth/stack-auth-session-api.js';
import type { JsonObject } from '../token/json-object.js';

/** The access token of an anonymous user who signs up, and keeps the user id and all data by that. */
interface GuestToken {
  /** Of an anonymous user, and not expired. @defaultValue none: a new user */
  readonly accessToken?: string | null;
}

/** Where a login by another provider leads to. */
export interface OAuthUrlOptions {
  /** The id of the provider at Stack Auth: `google`. */
  readonly provider: string;
  /** The address that gets `code` and `state`. It must be at a trusted domain of the project. */
  readonly redirectUri: string;
  readonly state: string;
  /** The S256 challenge of the PKCE verifier (RFC 7636 §4.2). */
  readonly codeChallenge: string;
  /** The access token of an anonymous user, who becomes the one that signs in. It becomes a part of the address. @defaultValue none */
  readonly accessToken?: string | null;
  /** The address that gets `errorCode` when the login fails. @defaultValue a page of Stack Auth shows the error */
  readonly errorRedirectUri?: string;
}

/** A challenge for the passkeys of the browser. */
export interface PasskeyOptions {
  /** For `startAuthentication({ optionsJSON })` of @simplewebauthn/browser. It names no `rpId`, so it is the domain of the page. */
  readonly options: JsonObject;
  /** Goes back with the answer of the passkey, within a minute. */
  readonly code: string;
}

/** The characters of the ids of providers, of which one becomes a part of an address. */
const providerId = /^[\w-]{1,64}$/;

/**
 * Signs people in and up at Stack Auth. `StackAuthModule` provides it. Nothing is sent twice: an answer that was lost is an error.
 *
 * Refusals are a `RefusalError`: `INVALID_CREDENTIALS`, `MFA_REQUIRED` with `attemptCode`, `EMAIL_TAKEN`, `INVALID_CODE`, `WEAK_PASSWORD`,
 * `INVALID_INPUT`, `NOT_FOUND` for a way to sign in that the project does not have enabled, `ACCESS_DENIED` for a sign-up that a rule of
 * the project rejects, `TOO_MANY_ATTEMPTS`. While Stack Auth does not answer, or refuses this app, methods reject with
 * `AuthUnavailableError` (503), and the log names the option to correct.
 *
 * @example
 * const { accessToken, refreshToken, userId } = await this.signIn.withPassword({ email, password });
 */
export class StackAuthSignIn {
  constructor(private readonly api: StackAuthSessionApi) {}

  withPassword({ email, password }: { readonly email: string; readonly password: string }): Promise<StackAuthTokens> {
    const members = { email: 'email', password: 'password' };
    return this.api.signIn('/auth/password/sign-in', { json: { email, password }, members });
  }

  /** @param options `callbackUrl` is the page to which the mail leads that verifies the address; left out, none is sent */
  async signUpWithPassword(
    options: GuestToken & { readonly email: string; readonly password: string; readonly callbackUrl?: string | null },
  ): Promise<StackAuthTokens> {
    const { email, password, accessToken = null, callbackUrl = null } = options;
    const json = { email, password, ...(callbackUrl !== null && { verification_callback_url: callbackUrl }) };
    const members = { email: 'email', password: 'password' };
    const tokens = await this.api.signIn('/auth/password/sign-up', { json, members, accessToken });
    return { ...tokens, isNewUser: true };
  }

  /**
   * Sends a mail with a link and a code for typing.
   *
   * @param options `callbackUrl` is the page that gets `?code=`; it must be at a trusted domain of the project
   * @returns what completes the code for typing: `withMagicLink({ code: typed, nonce })`
   */
  async sendMagicLink(options: {
    readonly email: string;
    readonly callbackUrl: string;
  }): Promise<{ readonly nonce: string }> {
    return { nonce: await this.api.sendCode(options.email, options.callbackUrl) };
  }

  /** @param options `code` is that of the link, or the one that was typed, together with `nonce` */
  withMagicLink(
    options: GuestToken & { readonly code: string; readonly nonce?: string | null },
  ): Promise<StackAuthTokens> {
    const { code, nonce, accessToken = null } = options;
    const json = { code: `${code.trim()}${nonce ?? ''}`.toLowerCase() };
    return this.api.signIn('/auth/otp/sign-in', { json, members: { code: 'code' }, accessToken });
  }

  /** @param options `attemptCode` is that of the error `MFA_REQUIRED`, for 5 minutes; `code` is the authenticator app's */
  withTotp({ attemptCode, code }: { readonly attemptCode: string; readonly code: string }): Promise<StackAuthTokens> {
    const json = { type: 'totp', totp: code.trim(), code: attemptCode };
    return this.api.signIn('/auth/mfa/sign-in', { json, members: { totp: 'code', code: 'attemptCode' } });
  }

  /** Creates a user without any way to sign in: a guest, who can sign up later. */
  async anonymously(): Promise<StackAuthTokens> {
    const tokens = await this.api.signIn('/auth/anonymous/sign-up', {});
    return { ...tokens, isNewUser: true };
  }

  /**
   * The address at Stack Auth that a browser is sent to, to sign in by another provider. Nothing is called.
   *
   * @throws {RefusalError} `NOT_FOUND` for a text that is no id of a provider.
   */
  oauthUrl(options: OAuthUrlOptions): string {
    const { provider, redirectUri, state, codeChallenge, accessToken = null, errorRedirectUri } = options;
    if (!providerId.test(provider)) throw RefusalError.of('NOT_FOUND', 'It is not the id of a provider');
    return this.api.authorizationUrl(provider, {
      redirect_uri: redirectUri,
      state,
      code_challenge: codeChallenge,
      ...(accessToken !== null && { token: accessToken }),
      ...(errorRedirectUri !== undefined && { error_redirect_uri: errorRedirectUri }),
    });
  }

  /** Exchanges the code that the browser came back with. A code is good for one exchange. */
  withOAuthCode(options: {
    readonly code: string;
    /** As in `oauthUrl`. */
    readonly redirectUri: string;
    readonly codeVerifier: string;
  }): Promise<StackAuthTokens> {
    const { code, redirectUri, codeVerifier } = options;
    return this.api.exchangeCode({ code, redirect_uri: redirectUri, code_verifier: codeVerifier });
  }

  async passkeyOptions(): Promise<PasskeyOptions> {
    const { options, code } = await this.api.passkeyOptions();
    // A placeholder of Stack Auth, which no page could use.
    return { options: Object.fromEntries(Object.entries(options).filter(([name]) => name !== 'rpId')), code };
  }

  /** @param options `response` is the answer of the browser, `code` that of `passkeyOptions` */
  withPasskey({ response, code }: { readonly response: object; readonly code: string }): Promise<StackAuthTokens> {
    const json = { authentication_response: response, code };
    const members = { authentication_response: 'response', code: 'code' };
    return this.api.signIn('/auth/passkey/sign-in', { json, members });
  }
}
