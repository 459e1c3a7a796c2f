import { load } from './call.js';
import { readToken, tamperWith } from './token.js';

export const routes = [
  { id: 'required', label: 'Required', path: '/api/me', mark: 'no mark: guardEverything asks for a token' },
  { id: 'admin', label: 'Admins', path: '/api/admin', mark: "@RequireRoles('admin'): 403 for everybody else" },
  { id: 'optional', label: 'Optional', path: '/api/hello', mark: '@OptionalAuth()' },
  { id: 'public', label: 'Public', path: '/api/health', mark: '@Public()' },
];

/**
 * `authorization` returns the header to send, if any. `needs` names what is required first; `isHidden` hides the row until
 * it is there. `sendsCookies`: the browser adds the cookies of the app.
 */
export const tokens = [
  {
    id: 'yours',
    label: 'Your token',
    hint: 'as the provider gave it',
    story: 'The token that the demo provider gave to the app when you signed in, as it is.',
    needs: 'accessToken',
    authorization: (session) => bearer(session.accessToken),
  },
  {
    id: 'session',
    label: 'Your session',
    hint: 'the cookie, no header',
    story: 'The access token of your session with the app, in its cookie. The app has signed it itself.',
    needs: 'ownSession',
    sendsCookies: true,
    authorization: () => undefined,
  },
  {
    id: 'device',
    label: 'Another device',
    hint: 'a session of the same user',
    story: 'The access token of the other device. It is good until it expires, or until that session is ended.',
    needs: 'deviceToken',
    isHidden: true,
    authorization: (session) => bearer(session.deviceToken),
  },
  {
    id: 'none',
    label: 'No token',
    hint: 'neither header nor cookie',
    story: 'Nothing is sent. That is no error of the token, so the challenge names none (RFC 6750, section 3.1).',
    authorization: () => undefined,
  },
  {
    id: 'tampered',
    label: 'Tampered',
    hint: 'you, promoted to root',
    story: 'Your token with another sub and role written in. The signature was made over the old text.',
    needs: 'accessToken',
    authorization: (session) => bearer(tamperWith(session.accessToken)),
  },
  {
    id: 'expired',
    label: 'Expired',
    hint: 'ran out a minute ago',
    story: 'Signed with the provider’s real key, good in every way but its time.',
    authorization: flawed('expired'),
  },
  {
    id: 'other-audience',
    label: 'Other audience',
    hint: 'meant for another API',
    story:
      'Real key, right issuer, in time: but given for another API, whose operator must not be able to use it here.',
    authorization: flawed('other-audience'),
  },
  {
    id: 'stranger',
    label: 'A stranger’s',
    hint: 'real key id, forged',
    story: 'Signed by somebody who knows the id of the real key, as anyone may, but has only a key of their own.',
    authorization: flawed('stranger'),
  },
  {
    id: 'unknown-key',
    label: 'Unknown key',
    hint: 'key id never published',
    story:
      'It names a key that the guard has never seen. That may be a new one, so the guard reads the key set again, though not more than once in ten seconds for ids that nobody knows. Only if the key server cannot be reached does it have to leave the question open.',
    authorization: flawed('unknown-key'),
  },
  {
    id: 'id-token',
    label: 'ID token',
    hint: 'not made for an API',
    story: 'The token that tells the app who you are. Signed by the same key, and often sent to APIs by mistake.',
    authorization: flawed('id-token'),
  },
  {
    id: 'malformed',
    label: 'Broken header',
    hint: 'Bearer, then nothing',
    story: 'A header that says a token follows, and none does: the request is wrong, not the token.',
    authorization: () => 'Bearer',
  },
  {
    id: 'former',
    label: 'Former token',
    hint: 'from before you signed in again',
    story:
      'The token that you held before. Good until it expires, unless its key has been withdrawn and the guard knows.',
    needs: 'formerToken',
    isHidden: true,
    authorization: (session) => bearer(session.formerToken),
  },
];

function bearer(token) {
  return `Bearer ${token}`;
}

/** Only the server can create these, because it has the provider's keys. */
function flawed(flaw) {
  return async (session) => {
    const person = session.accessToken ? readToken(session.accessToken).claims.sub : '';
    return bearer((await load(`/playground/tokens/${flaw}?person=${encodeURIComponent(person)}`)).token);
  };
}
