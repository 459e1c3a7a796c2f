/** The cloud goes by two names. Tokens send the one that the sign-in was addressed to. */
const domains = ['stack-auth.com', 'hexclave.com'] as const;
// api1 and api2 are fallbacks of api, and sign under its name.
const cloudHost = /^(?<host>api\d?(?:\.dev|\.staging)?)\.(?:stack-auth|hexclave)\.com$/;

/** The origins under which the issuer of this base URL may sign: both names of the cloud, else the one. */
export function issuerHosts(baseUrl: string): readonly string[] {
  const host = cloudHost.exec(new URL(baseUrl).host)?.groups?.['host'];
  if (host === undefined) return [baseUrl];
  return domains.map((domain) => `https://${host.replace(/^api\d/, 'api')}.${domain}`);
}
