import type { KeyObject, X509Certificate } from 'node:crypto';
import * as x509 from '../../../certs/x509.ts';
import { readCertificate } from '../../crypto/x509/certificate-content.ts';
import { validateNames } from '../../crypto/x509/name-constraints.ts';
import { isSignedBy } from '../../identity/trust.ts';

/**
 * Returns why no TLS handshake can use a client certificate, with the subject of the certificate at fault;
 * undefined when one can. `issuers`: all certificates above it that the listener would know, in any order.
 * The rules are those that OpenSSL applies to client certificates at security level 2, and no others; a
 * certificate that is not valid yet is accepted, because it will be.
 */
export async function findChainProblem(
  certificate: X509Certificate,
  issuers: readonly X509Certificate[],
  now: Date,
): Promise<string | undefined> {
  const chain = buildChain(certificate, issuers, now);
  const links = chain.map((each) => ({ certificate: each, content: new x509.X509Certificate(each.raw) }));
  for (const [at, link] of links.entries()) {
    const isRoot = at === links.length - 1;
    const problem =
      commonProblem(link, now) ??
      (at === 0 ? leafProblem(link) : issuerProblem(link, isRoot, links.slice(1, at))) ??
      (isRoot ? undefined : signatureProblem(link));
    if (problem !== undefined)
      return at === 0 ? `it ${problem}` : `its issuer ${nameOf(link.certificate)} ${problem}`;
  }
  if (!isSelfIssued(chain.at(-1) as X509Certificate))
    return 'its issuer is unknown; add its chain up to the root to the file or to tls.authorities';
  return nameProblem(links);
}

interface Link {
  readonly certificate: X509Certificate;
  readonly content: x509.X509Certificate;
}

/** The path that OpenSSL takes: among issuers with one key (a renewed authority) that of the latest end. */
function buildChain(
  certificate: X509Certificate,
  issuers: readonly X509Certificate[],
  now: Date,
): readonly X509Certificate[] {
  const isValid = (each: X509Certificate) => Number(each.validFromDate <= now && now <= each.validToDate);
  const byPreference = issuers.toSorted(
    (a, b) => isValid(b) - isValid(a) || b.validToDate.getTime() - a.validToDate.getTime(),
  );
  const chain = [certificate];
  for (let last = certificate; !isSelfIssued(last) && chain.length <= issuers.length; ) {
    const issuer = byPreference.find((candidate) => isSignedBy(last, candidate));
    if (issuer === undefined) break;
    chain.push(issuer);
    last = issuer;
  }
  return chain;
}

/** Returns the certificate and all of `issuers` that are above it. */
export function findAbove(
  certificate: X509Certificate,
  issuers: readonly X509Certificate[],
): ReadonlySet<X509Certificate> {
  const found = new Set([certificate]);
  for (const each of found) for (const issuer of issuers) if (isSignedBy(each, issuer)) found.add(issuer);
  return found;
}

const isSelfIssued = (certificate: X509Certificate) => isSignedBy(certificate, certificate);

const clientAuth = '1.3.6.1.5.5.7.3.2';

/** Extensions that OpenSSL processes, so that they may be critical. */
const knownExtensions: ReadonlySet<string> = new Set([
  ...['2.5.29.15', '2.5.29.17', '2.5.29.19', '2.5.29.30', '2.5.29.31', '2.5.29.32', '2.5.29.33', '2.5.29.36'],
  ...['2.5.29.37', '2.5.29.54', '1.3.6.1.5.5.7.1.7', '1.3.6.1.5.5.7.1.8', '1.3.6.1.5.5.7.48.1.5'],
  '2.16.840.1.113730.1.1',
]);

/** Rules for every certificate of a chain. */
function commonProblem({ certificate, content }: Link, now: Date): string | undefined {
  if (now > certificate.validToDate) return 'has expired';
  const unknown = content.extensions.find(({ critical, type }) => critical && !knownExtensions.has(type));
  if (unknown !== undefined) return `has the critical extension ${unknown.type}, which OpenSSL does not know`;
  const purposes = content.getExtension(x509.ExtendedKeyUsageExtension)?.usages;
  if (purposes !== undefined && !purposes.includes(clientAuth))
    return 'is not for TLS clients: its Extended Key Usage lacks clientAuth (anyExtendedKeyUsage is not enough)';
  return keyProblem(certificate.publicKey);
}

/** Security level 2: 112 bits. */
function keyProblem(key: KeyObject): string | undefined {
  const bits = key.asymmetricKeyDetails?.modulusLength;
  return bits !== undefined && bits < 2048
    ? `has an ${key.asymmetricKeyType?.toUpperCase()} key of ${bits} bits; at least 2048 are required`
    : undefined;
}

function leafProblem({ content }: Link): string | undefined {
  const usages = content.getExtension(x509.KeyUsagesExtension)?.usages;
  const { digitalSignature, keyAgreement } = x509.KeyUsageFlags;
  return usages !== undefined && (usages & (digitalSignature | keyAgreement)) === 0
    ? 'is not for TLS clients: its Key Usage lacks digitalSignature'
    : undefined;
}

/** `below`: the authorities between this one and the client's certificate. */
function issuerProblem(
  { certificate, content }: Link,
  isRoot: boolean,
  below: readonly Link[],
): string | undefined {
  const usages = content.getExtension(x509.KeyUsagesExtension)?.usages;
  if (usages !== undefined && (usages & x509.KeyUsageFlags.keyCertSign) === 0)
    return 'is no authority: its Key Usage lacks keyCertSign';
  const constraints = content.getExtension(x509.BasicConstraintsExtension);
  if (constraints === undefined || constraints === null) {
    // OpenSSL takes a root for an authority by its Key Usage, or by its version 1.
    const isAuthority =
      isRoot && (usages !== undefined || (content.extensions.length === 0 && isVersion1(certificate)));
    return isAuthority ? undefined : 'is no authority: it has no Basic Constraints';
  }
  if (!constraints.ca) return 'is no authority: its Basic Constraints say CA:FALSE';
  const depth = below.filter((link) => !isSelfIssued(link.certificate)).length;
  if (constraints.pathLength !== undefined && depth > constraints.pathLength)
    return `allows ${constraints.pathLength} authorities below it (path length), and there are ${depth}`;
  return undefined;
}

/** A certificate of version 1 has no field for the version: its first field is the serial number. */
function isVersion1({ raw }: X509Certificate): boolean {
  const header = (raw[1] ?? 0) < 0x80 ? 2 : 2 + ((raw[1] ?? 0) & 0x7f);
  const inner = (raw[header + 1] ?? 0) < 0x80 ? 2 : 2 + ((raw[header + 1] ?? 0) & 0x7f);
  return raw[header + inner] === 0x02;
}

/** Hashes of less than 112 bits of security; OpenSSL does not check the signature of the root. */
const weakHash = /md[245]|sha-?1(?![0-9])/i;

function signatureProblem({ certificate }: Link): string | undefined {
  const algorithm = certificate.signatureAlgorithm ?? '';
  return weakHash.test(algorithm)
    ? `is signed with ${algorithm}, which is too weak; have it issued again with SHA-256`
    : undefined;
}

/** Name Constraints of the authorities. */
async function nameProblem(links: readonly Link[]): Promise<string | undefined> {
  for (const [at, { certificate, content }] of links.entries()) {
    const constraints = content.getExtension('2.5.29.30');
    if (constraints === null) continue;
    for (const { certificate: lower } of links.slice(0, at)) {
      if (validateNames(new Uint8Array(constraints.value), await readCertificate(lower.raw)) !== 'Valid')
        return `its issuer ${nameOf(certificate)} does not allow the name ${nameOf(lower)} (Name Constraints)`;
    }
  }
  return undefined;
}

const nameOf = ({ subject }: X509Certificate) => `"${(subject ?? '').replaceAll('\n', ', ')}"`;
