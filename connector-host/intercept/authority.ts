/**
 * The certificate authority of one run of a wrapped server. Guarantees: its key exists in this process alone and cannot be exported; what
 * it signs is for the destinations' hosts, and who trusts it need not trust it for another (RFC 5280 §4.2.1.10, name constraints).
 * Trusts: the runtime's WebCrypto. Does not protect against: the server, which can ask this process all that its key can say anyway.
 */
import 'reflect-metadata';
import { isIP } from 'node:net';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  GeneralName,
  GeneralSubtree,
  GeneralSubtrees,
  id_ce_nameConstraints,
  NameConstraints,
} from '@peculiar/asn1-x509';
import * as x509 from '@peculiar/x509';

/** PEM, both. */
export interface HostIdentity {
  readonly cert: string;
  readonly key: string;
}

export interface RunAuthority {
  /** PEM: what the server is to trust. */
  readonly certificate: string;
  /** Made once a host. */
  readonly identityOf: (host: string) => Promise<HostIdentity>;
}

const curve = { name: 'ECDSA', namedCurve: 'P-256' } as const;
const signingAlgorithm = { name: 'ECDSA', hash: 'SHA-256' } as const;
/** A server reads once what it trusts, at its start, and may run for months: the run's end is what ends it. */
const validMs = 365 * 24 * 3_600_000;
const backdatedMs = 300_000;

const validity = () => ({
  notBefore: new Date(Date.now() - backdatedMs),
  notAfter: new Date(Date.now() + validMs),
});

export async function createRunAuthority(hosts: readonly string[]): Promise<RunAuthority> {
  x509.cryptoProvider.set(globalThis.crypto);
  const keys = await crypto.subtle.generateKey(curve, false, ['sign', 'verify']);
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=Sallyport interceptor of this run',
    keys,
    signingAlgorithm,
    ...validity(),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      new x509.Extension(id_ce_nameConstraints, true, AsnConvert.serialize(constraintsTo(hosts))),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });

  async function issue(host: string): Promise<HostIdentity> {
    const leafKeys = await crypto.subtle.generateKey(curve, true, ['sign', 'verify']);
    const leaf = await x509.X509CertificateGenerator.create({
      subject: 'CN=Sallyport interceptor',
      issuer: root.subject,
      publicKey: leafKeys.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm,
      ...validity(),
      extensions: [
        new x509.BasicConstraintsExtension(false, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
        new x509.SubjectAlternativeNameExtension([{ type: isIP(host) === 0 ? 'dns' : 'ip', value: host }], true),
        await x509.AuthorityKeyIdentifierExtension.create(keys.publicKey),
      ],
    });
    const key = x509.PemConverter.encode(await crypto.subtle.exportKey('pkcs8', leafKeys.privateKey), 'PRIVATE KEY');
    return { key, cert: leaf.toString('pem') };
  }

  const made = new Map<string, Promise<HostIdentity>>();
  return {
    certificate: root.toString('pem'),
    identityOf: (host) => {
      const identity = made.get(host) ?? issue(host);
      made.set(host, identity);
      return identity;
    },
  };
}

/** A name holds for those below it too; an address for itself, and where none is named for none. */
function constraintsTo(hosts: readonly string[]): NameConstraints {
  const subtree = (base: Partial<GeneralName>): GeneralSubtree => new GeneralSubtree({ base: new GeneralName(base) });
  const addresses = hosts.filter((host) => isIP(host) === 4);
  const permitted = [
    ...hosts.filter((host) => isIP(host) === 0).map((dNSName) => subtree({ dNSName })),
    ...addresses.map((host) => subtree({ iPAddress: `${host}/32` })),
  ];
  const excluded = new GeneralSubtrees([subtree({ iPAddress: '0.0.0.0/0' })]);
  return new NameConstraints({
    permittedSubtrees: new GeneralSubtrees(permitted),
    ...(addresses.length === 0 && { excludedSubtrees: excluded }),
  });
}
