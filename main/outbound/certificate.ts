/** What a certificate that is not trusted is told of: OpenSSL's reasons, and who issued it, in plain characters. */
import type { TLSSocket } from 'node:tls';

/** Verification errors as Node names them (`X509_V_ERR_…` without the prefix), and its own for the host name. */
const certificateErrors =
  /^(CERT_|CRL_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_MISMATCH|ERR_TLS_CERT)/;

export const isCertificateError = (code: string): boolean => certificateErrors.test(code);

/** Those that the authority's certificate would mend. */
export const isUnknownAuthority = (code: string): boolean => /^(SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_)/.test(code);

/** Call it before the handshake. Its answer is empty until the server has shown its certificate. */
export function watchIssuer(socket: TLSSocket): () => string {
  let issuer = '';
  // Before Node's own listener, which destroys the socket. Not `getPeerX509Certificate`: after it Node 24 finds no names to check.
  socket.prependListener('secure', () => {
    issuer = issuerOf(socket);
  });
  return () => issuer;
}

/** One line of an unknown server's own words. */
export function issuerOf(socket: TLSSocket): string {
  // There is none before the server has shown its certificate.
  const name = { ...socket.getPeerCertificate().issuer };
  const text = Object.entries(name).map(([key, value]) => `${key}=${String(value)}`);
  return text
    .join(', ')
    .replaceAll(/[^A-Za-z0-9 .,=@_()&+-]/g, '?')
    .slice(0, 160);
}

export function untrustedSay(host: string, code: string, issuer: string): string {
  if (!isUnknownAuthority(code) || issuer === '')
    return `The certificate of ${host} is not trusted (${code}). Add its authority to egress.authorities, or correct the host name.`;
  return `The certificate of ${host} was issued by "${issuer}", which is not trusted here (${code}). If that is your company's authority, add its certificate to egress.authorities.`;
}
