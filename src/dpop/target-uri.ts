/** What a URI may consist of (RFC 3986 §2), behind the scheme and with a host. A user's name in front of the host is none of it. */
const httpUri = /^https?:\/\/[\w.~!$&'()*+,;=%:[\]-]+(?=[/?#]|$)[\w.~!$&'()*+,;=%:@/?#[\]-]*$/i;
const malformedEscape = /%(?![0-9a-f]{2})/i;
const unreserved = /[\w.~-]/;

/**
 * A URI without query and fragment in its normal form (RFC 3986 §6.2.2 and §6.2.3), in which two spellings of one target are the same
 * text: scheme and host in lower case, no default port, no dot segments, `%7e` as `~`, other escapes in upper case, at least the path
 * `/`. `undefined` for what is no absolute `http` or `https` URI.
 */
export function normalizeTarget(given: string): string | undefined {
  if (!httpUri.test(given)) return undefined;
  const [target = ''] = given.split(/[?#]/, 1);
  if (malformedEscape.test(target)) return undefined;
  const decoded = target.replaceAll(/%[0-9a-f]{2}/gi, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16));
    return unreserved.test(character) ? character : escape.toUpperCase();
  });
  if (!URL.canParse(decoded)) return undefined;
  const { origin, pathname } = new URL(decoded);
  return `${origin}${pathname}`;
}

/**
 * The target of a request in its normal form.
 *
 * @param base the outside address of the app's `/`
 * @param url what the request line has: a path with a query, or the whole address
 */
export function targetOf(base: string, url: string): string | undefined {
  if (url.startsWith('/')) return normalizeTarget(`${base.replace(/\/+$/, '')}${url}`);
  // RFC 9112 §3.2.2: a client may send the whole address. Only its path counts, as the app knows its own address.
  const path = /^https?:\/\/[^/?#]*(\/.*)$/i.exec(url)?.[1];
  return path === undefined ? undefined : targetOf(base, path);
}
