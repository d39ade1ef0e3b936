/**
 * The certificate authority of one interceptor's one run. Guarantees: its key is in this process's memory alone and cannot be exported; it
 * names the declared hosts and no other, and so do its constraints; they end with the process. Trusts: webcrypto.
 * Does not protect against: whoever takes this process over; only the wrapped server beside it trusts what is made here.
 */
import 'reflect-metadata';
import { createSecureContext, type SecureContext } from 'node:tls';
import { AsnConvert } from '@peculiar/asn1-schema';
import { GeneralName, GeneralSubtree, GeneralSubtrees, NameConstraints } from '@peculiar/asn1-x509';
import * as x509 from '@peculiar/x509';

export interface RunAuthority {
  /** PEM. */
  readonly certificate: string;
  /** Undefined: it is none of the hosts. */
  contextFor(host: string): Promise<SecureContext> | undefined;
}

const curve = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' } as const;
/** A server reads once what it trusts, at its start, and may run for months: the end of the run is what ends it. */
const validMs = 365 * 24 * 3_600_000;
/** A clock that runs a little behind must not refuse what was made this second. */
const backdatedMs = 300_000;
const nameConstraints = '2.5.29.30';

export async function createRunAuthority(hosts: readonly string[]): Promise<RunAuthority> {
  x509.cryptoProvider.set(globalThis.crypto);
  const madeAt = Date.now();
  const validity = { notBefore: new Date(madeAt - backdatedMs), notAfter: new Date(madeAt + validMs) };
  const keys = await crypto.subtle.generateKey(curve, false, ['sign', 'verify']);
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Sallyport interceptor of one wrapped server',
    keys,
    signingAlgorithm,
    ...validity,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      new x509.Extension(nameConstraints, true, permitted(hosts)),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });

  async function make(host: string): Promise<SecureContext> {
    const own = await crypto.subtle.generateKey(curve, true, ['sign', 'verify']);
    const leaf = await x509.X509CertificateGenerator.create({
      subject: 'CN=Sallyport interceptor',
      issuer: root.subject,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm,
      ...validity,
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: host }]),
        await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    const key = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', own.privateKey), 'PRIVATE KEY');
    return createSecureContext({ cert: leaf.toString('pem'), key, minVersion: 'TLSv1.2' });
  }

  const made = new Map<string, Promise<SecureContext>>();
  return {
    certificate: root.toString('pem'),
    contextFor: (host) => {
      if (!hosts.includes(host)) return undefined;
      const context = made.get(host) ?? make(host);
      made.set(host, context);
      return context;
    },
  };
}

/** RFC 5280 §4.2.1.10: names of one kind that are permitted exclude the others of it. */
function permitted(hosts: readonly string[]): ArrayBuffer {
  const names = hosts.map((dNSName) => new GeneralSubtree({ base: new GeneralName({ dNSName }) }));
  return AsnConvert.serialize(new NameConstraints({ permittedSubtrees: new GeneralSubtrees(names) }));
}
