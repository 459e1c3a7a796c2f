import { type GivenOptions, requireTexts } from '../configuration/read-options.js';
import { RefusalError } from '../errors/auth-error.js';
import { logText } from '../telemetry/log-text.js';
import type { JsonObject } from '../token/json-object.js';

/** Which clients may have requested a token. */
export interface AuthorizedPartyOptions {
  /**
   * The ids of the clients whose tokens are accepted; a token that names no client is then refused. Left out, tokens of
   * every client are accepted.
   */
  readonly authorizedParties?: string | readonly string[];
}

/** The ids of the accepted clients; `undefined` when left out. */
export function readAuthorizedParties(
  where: string,
  options: GivenOptions,
  option = 'authorizedParties',
): readonly string[] | undefined {
  if (options[option] === undefined) return undefined;
  return requireTexts(where, options, option, 'Write the id of the client, or a list of ids');
}

/**
 * The refusal of a token that another client has requested. When several claims name the client, all of them must name an
 * accepted one.
 */
export function findPartyFault(
  claims: JsonObject,
  names: readonly string[],
  parties: readonly string[],
): RefusalError | undefined {
  const named = names.filter((name) => Object.hasOwn(claims, name));
  const fits = (party: unknown): boolean => typeof party === 'string' && parties.includes(party);
  if (named.length > 0 && named.every((name) => fits(claims[name]))) return undefined;
  const came =
    named.length === 0
      ? 'the token has none'
      : `the token says ${named.map((name) => `${logText(claims[name])} ("${name}")`).join(' and ')}`;
  return RefusalError.token(
    'claim',
    `Expected as ${names.map((name) => `"${name}"`).join(' or ')}: ${parties.map(logText).join(' or ')}; ${came}. ` +
      'If this client may call the app, add it to the configuration',
  );
}
