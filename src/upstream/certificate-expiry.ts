import { isIP } from 'node:net';

/**
 * When the certificate of an https address expires; `null` for an address without one. It opens a connection and sends nothing.
 *
 * @throws the error of the connection, or one that states that it took longer than five seconds.
 */
export async function findCertificateExpiry(address: string): Promise<Date | null> {
  const { protocol, hostname, port } = new URL(address);
  if (protocol !== 'https:') return null;
  const { connect } = await import('node:tls');
  const host = hostname.replaceAll(/[[\]]/g, '');
  return await new Promise((resolve, reject) => {
    // What is wrong with the certificate is found by the calls, which have the app's own settings for it.
    const socket = connect({
      host,
      port: Number(port || 443),
      ...(isIP(host) === 0 && { servername: host }),
      rejectUnauthorized: false,
    });
    socket.setTimeout(5_000, () => socket.destroy(new Error('it did not answer within 5 s')));
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      const { valid_to: until } = socket.getPeerCertificate() as { readonly valid_to?: string };
      socket.destroy();
      resolve(until === undefined ? null : new Date(until));
    });
  });
}
