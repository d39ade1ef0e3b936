/**
 * A certificate authority made on the spot. Its key never leaves this process and cannot be exported; the keys it
 * issues exist as PEM strings and are handed on over pipes (PostgreSQL alone needs a file, removed once it is read).
 */
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';

export interface ServerIdentity {
  /** PEM: the leaf certificate for localhost and 127.0.0.1. */
  readonly certificate: string;
  /** PEM, PKCS #8. */
  readonly key: string;
}

export interface Authority {
  /** PEM: what a client must trust. */
  readonly certificate: string;
  /** `names`: beside localhost. */
  issue(commonName: string, names?: readonly string[]): Promise<ServerIdentity>;
}

const curve = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' } as const;
const validityMs = 3 * 24 * 3_600_000;
/** A clock that runs a little behind must not refuse a certificate made this second. */
const backdatedMs = 300_000;

const validity = () => ({
  notBefore: new Date(Date.now() - backdatedMs),
  notAfter: new Date(Date.now() + validityMs),
});

export async function createAuthority(): Promise<Authority> {
  x509.cryptoProvider.set(globalThis.crypto);
  const keys = await crypto.subtle.generateKey(curve, false, ['sign', 'verify']);
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Sallyport lab authority',
    keys,
    signingAlgorithm,
    ...validity(),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });

  async function issue(commonName: string, names: readonly string[] = []): Promise<ServerIdentity> {
    const leafKeys = await crypto.subtle.generateKey(curve, true, ['sign', 'verify']);
    const leaf = await x509.X509CertificateGenerator.create({
      subject: `CN=${commonName}`,
      issuer: root.subject,
      publicKey: leafKeys.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm,
      ...validity(),
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension([
          { type: 'dns', value: 'localhost' },
          ...names.map((value) => ({ type: 'dns', value }) as const),
          { type: 'ip', value: '127.0.0.1' },
        ]),
        await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    const key = await crypto.subtle.exportKey('pkcs8', leafKeys.privateKey);
    return { certificate: leaf.toString('pem'), key: x509.PemConverter.encode(key, 'PRIVATE KEY') };
  }

  return { certificate: root.toString('pem'), issue };
}
