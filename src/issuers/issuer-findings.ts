import { type DoctorContext, type DoctorFinding, ok, problem, skipped } from '../doctor/doctor-check.js';
import { isAuthError } from '../errors/auth-error.js';
import { discoveryAddresses } from '../keys/discovery.js';
import type { KeySource } from '../keys/key-source.js';
import { thumbprintOf } from '../keys/thumbprint.js';
import { findCertificateExpiry } from '../upstream/certificate-expiry.js';
import type { HttpAnswer, HttpCaller } from '../upstream/http-client.js';
import { isUpstreamFailure } from '../upstream/upstream-failure.js';
import type { IssuerAddresses } from './identity-provider.js';
import { insideOptionOf, issuerOptionOf } from './issuer-options.js';
import { longestToleranceSeconds } from './read-terms.js';

/** What is looked at of an issuer. */
export interface InspectedIssuer {
  readonly name: string;
  /** The preset that describes it: `keycloak`. */
  readonly preset: string;
  /** Where the app reads its documents, which is what has to be looked at. */
  readonly addresses: IssuerAddresses;
  readonly clockToleranceSeconds: number;
  /** `null` for an issuer whose tokens are not verified by keys. */
  readonly keys: KeySource | null;
}

/** A `Date` header is in whole seconds, and the answer takes its time. */
const unmeasurableSeconds = 2;
const soonMs = 14 * 86_400_000;

/** Looks at the metadata, the keys, the clock and the certificate of an issuer. Never rejects. */
export async function inspectIssuer(
  issuer: InspectedIssuer,
  upstream: HttpCaller,
  context: DoctorContext,
): Promise<readonly DoctorFinding[]> {
  const { name, keys, addresses } = issuer;
  if (context.offline) return [skipOffline(issuer)];
  const keyFinding = keys === null ? [] : [await inspectKeys(issuer, keys)];
  if (!/^https?:/.test(name) || !URL.canParse(name)) {
    return [...keyFinding, skipped('issuer-discovery', `${name}: its name is no address`)];
  }
  const [first = name, ...others] = addresses.metadata ?? discoveryAddresses(name);
  const answer = await fetchMetadata([first, ...others], upstream);
  const certificate = await inspectCertificate(first, context.now());
  if ('trouble' in answer) return [undiscovered(issuer, answer, keyFinding), ...keyFinding, ...certificate];
  return [
    compareNames(issuer, answer),
    ...(await compareKeys(issuer, answer, keyFinding, upstream)),
    ...inspectClock(issuer, answer, context.now()),
    ...certificate,
  ];
}

function skipOffline({ name, keys }: InspectedIssuer): DoctorFinding {
  const isFixed = keys?.state().status === 'fixed';
  return skipped('issuer-keys', `${name}: ${isFixed ? 'its keys are in the options' : 'the doctor runs --offline'}`);
}

async function inspectKeys({ name, addresses }: InspectedIssuer, keys: KeySource): Promise<DoctorFinding> {
  if (keys.state().status === 'fixed')
    return ok('issuer-keys', `${name}: the app has its keys, or asks it about tokens`);
  try {
    await keys.refresh();
    const from = addresses.keys === undefined ? '' : ` (${addresses.keys.join(', ')})`;
    return ok('issuer-keys', `${name}: its keys are there and usable${from}`);
  } catch (error) {
    return problem('fail', 'issuer-keys', {
      found: `${name}: ${isAuthError(error) ? error.explanation : 'its keys cannot be fetched'}`,
      expected: 'a key set with at least one key that verifies signatures',
      fix: 'Call the address from this machine with curl. If it answers, the option that names the issuer or its keys is wrong',
    });
  } finally {
    keys.close();
  }
}

interface Metadata extends HttpAnswer {
  /** The address that had it. */
  readonly url: string;
}

interface Trouble {
  readonly trouble: string;
  /** Whether every address has answered that there is no such document. */
  readonly isAbsent: boolean;
}

async function fetchMetadata(addresses: readonly string[], upstream: HttpCaller): Promise<Metadata | Trouble> {
  const tried: string[] = [];
  let isAbsent = true;
  for (const url of addresses) {
    try {
      const answer = await upstream.call({ method: 'GET', url });
      if (answer.status === 200) return { ...answer, url };
      tried.push(`${url} answered with status ${answer.status}`);
      isAbsent &&= answer.status >= 400 && answer.status < 500;
    } catch (error) {
      isAbsent = false;
      tried.push(`${url}: ${isUpstreamFailure(error) ? error.message : 'the call failed'}`);
    }
  }
  return { trouble: tried.join('; '), isAbsent };
}

/** An issuer that publishes no metadata is no mistake as long as its keys were found. */
function undiscovered(
  { name, preset }: InspectedIssuer,
  { trouble, isAbsent }: Trouble,
  keys: readonly DoctorFinding[],
): DoctorFinding {
  if (isAbsent && keys.some(({ status }) => status === 'ok')) {
    return skipped('issuer-discovery', `${name} publishes no metadata, and its keys were found without`);
  }
  return problem('fail', 'issuer-discovery', {
    found: `${name}: there is no metadata. Tried: ${trouble}`,
    expected: 'metadata by OpenID Connect Discovery or RFC 8414',
    fix: isAbsent
      ? `Correct ${issuerOptionOf(preset, [name], unknownTenantOf(name)) ?? `the options of ${preset}()`}: the server answers and knows no such issuer`
      : 'The server cannot be reached from this machine or does not work; that is no wrong option, unless its host is',
  });
}

/** Some other issuer of the same server: what the option for one of its issuers gets wrong. */
function unknownTenantOf(name: string): string {
  return name.replace(/[^/]+\/*$/, '-');
}

function compareNames(issuer: InspectedIssuer, { body, url }: Metadata): DoctorFinding {
  const { name, preset, addresses } = issuer;
  const stated = textIn(body, 'issuer');
  if (stated === name) return ok('issuer-discovery', `${name}: its metadata states this name (${url})`);
  const found = stated === null ? `${url} states no issuer` : `the metadata states the issuer ${stated} (${url})`;
  // A server that names itself by the address at which it is asked gives other names to clients outside.
  if (stated !== null && addresses.keys !== undefined && isAskedFromInside(name, stated, url)) {
    return problem('warn', 'issuer-discovery', {
      found,
      expected: `${name}, wherever the metadata are read`,
      fix: `If tokens are refused for their issuer, set the hostname of the server to ${new URL(name).origin}; without, profiles of users are not available`,
    });
  }
  const option = issuerOptionOf(preset, [name], stated) ?? `the options of ${preset}()`;
  const isSlash = stated !== null && stated.replace(/\/$/, '') === name.replace(/\/$/, '');
  const fix = isSlash
    ? `They differ by the slash at the end only. Write it as the metadata has it, in ${option}`
    : `Write the issuer as the metadata has it, in ${option}${fixForInside(preset)}`;
  return problem('fail', 'issuer-discovery', { found, expected: name, fix });
}

function fixForInside(preset: string): string {
  const inside = insideOptionOf(preset);
  if (inside === null) return '';
  return `. If the app reaches the server by another address than browsers (Docker), keep the outside name, and write the inside address into ${inside}`;
}

/** Whether the metadata were read at another address than the name, and state that one. */
function isAskedFromInside(name: string, stated: string, url: string): boolean {
  if (!URL.canParse(stated)) return false;
  const { origin } = new URL(url);
  return new URL(name).origin !== origin && new URL(stated).origin === origin;
}

/** Keys that the app takes from addresses of its own have to be those of the issuer, at each of them. */
async function compareKeys(
  { name, preset, addresses }: InspectedIssuer,
  { body }: Metadata,
  keys: readonly DoctorFinding[],
  upstream: HttpCaller,
): Promise<readonly DoctorFinding[]> {
  const published = textIn(body, 'jwks_uri');
  const given = addresses.hasGivenKeys === true ? (addresses.keys ?? []) : [];
  if (published === null || keys.some(({ status }) => status !== 'ok')) return keys;
  const foreign = await findForeignSets(
    given.filter((url) => url !== published),
    published,
    upstream,
  );
  if (foreign.length === 0) return keys;
  return [
    problem('fail', 'issuer-keys', {
      found: `${name}: the app reads keys at ${foreign.join(', ')}, and none of them is a key of the issuer, whatever their kid`,
      expected: `the keys at ${published}`,
      fix: `Leave jwksUri out of ${preset}(), or write ${published}`,
    }),
  ];
}

/** Those of the addresses whose set has no key of the issuer. What cannot be fetched from here is not compared. */
async function findForeignSets(
  given: readonly string[],
  published: string,
  upstream: HttpCaller,
): Promise<readonly string[]> {
  const theirs = given.length === 0 ? null : await fetchThumbprints(published, upstream);
  if (theirs === null) return [];
  const foreign: string[] = [];
  for (const url of given) {
    const ours = await fetchThumbprints(url, upstream);
    if (ours !== null && ![...ours].some((key) => theirs.has(key))) foreign.push(url);
  }
  return foreign;
}

/** The keys of a set by their material, because two issuers may use one `kid`; `null` where there are none. */
async function fetchThumbprints(url: string, upstream: HttpCaller): Promise<ReadonlySet<string> | null> {
  try {
    const { status, body } = await upstream.call({ method: 'GET', url });
    const listed: unknown = typeof body === 'object' && body !== null && 'keys' in body ? body.keys : null;
    if (status !== 200 || !Array.isArray(listed)) return null;
    const thumbprints = listed.flatMap((key: unknown) => thumbprintIn(key) ?? []);
    return thumbprints.length === 0 ? null : new Set(thumbprints);
  } catch {
    return null;
  }
}

/** `null` for a key of a kind that verifies no token here. */
function thumbprintIn(key: unknown): string | null {
  try {
    return typeof key === 'object' && key !== null ? thumbprintOf({ ...key }) : null;
  } catch {
    return null;
  }
}

function textIn(body: unknown, member: string): string | null {
  const value = typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[member] : null;
  return typeof value === 'string' ? value : null;
}

function inspectClock(
  { name, preset, clockToleranceSeconds }: InspectedIssuer,
  { headers }: HttpAnswer,
  now: Date,
): readonly DoctorFinding[] {
  const date = Date.parse(headers.get('date') ?? '');
  if (Number.isNaN(date)) return [skipped('issuer-clock', `${name} states no Date`)];
  const seconds = Math.round((now.getTime() - date) / 1_000);
  const distance = Math.abs(seconds);
  if (distance <= clockToleranceSeconds + unmeasurableSeconds) {
    return [ok('issuer-clock', `${name}: the clocks differ by ${distance} s`)];
  }
  return [
    problem('fail', 'issuer-clock', {
      found: `the clock of this machine is ${distance} s ${seconds > 0 ? 'ahead of' : 'behind'} that of ${name}`,
      expected: `at most ${clockToleranceSeconds} s (clockToleranceSeconds)`,
      fix: fixOfClock(preset, distance),
    }),
  ];
}

function fixOfClock(preset: string, distance: number): string {
  const byNtp = 'Set the clock of the machine that is wrong, by NTP';
  const needed = distance + unmeasurableSeconds;
  if (needed > longestToleranceSeconds) return byNtp;
  return `${byNtp}. Where it cannot be set, write clockToleranceSeconds: ${needed} into ${preset}()`;
}

async function inspectCertificate(name: string, now: Date): Promise<readonly DoctorFinding[]> {
  let expires: Date | null;
  try {
    expires = await findCertificateExpiry(name);
  } catch {
    return [skipped('issuer-certificate', `${name}: no connection with TLS could be opened`)];
  }
  if (expires === null) return [];
  const left = expires.getTime() - now.getTime();
  const day = expires.toISOString().slice(0, 10);
  if (left > soonMs) return [ok('issuer-certificate', `${name}: its certificate is valid until ${day}`)];
  return [
    problem(left > 0 ? 'warn' : 'fail', 'issuer-certificate', {
      found: `the certificate of ${name} ${left > 0 ? 'expires' : 'has expired'} on ${day}`,
      expected: 'a certificate that is valid for more than 14 days',
      fix: 'Have it renewed by whoever runs the issuer',
    }),
  ];
}
