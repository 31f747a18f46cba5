import { webcrypto } from 'node:crypto';
import type { X509CertificateCreateParams } from '../../../certs/x509.ts';
import type { RevocationReasonCode } from '../../../codec/enums.ts';
import { encodeDer, makeInteger, parseDer, readIntegerContent } from '../asn1/der.ts';
import type { RevocationListSpecification, RevokedEntry } from '../certification.ts';
import { InvalidParametersError } from '../errors.ts';
import { createKeyObject } from '../keys/key-objects.ts';
import { runOnPool } from '../threads/limit-concurrency.ts';
import {
  chooseSigningAlgorithm,
  copyForLibrary,
  exportPublicKey,
  readIssuerIdentifier,
} from './certificate-issue.ts';

/*
 * Certificate revocation lists of version 2 (RFC 5280 §5): complete lists of the issuer's own certificates.
 */

const crlNumber = '2.5.29.20';

/** CRLReason (RFC 5280 §5.3.1); other reasons are left out of the entry. */
const reasons: Readonly<Partial<Record<RevocationReasonCode, number>>> = {
  KeyCompromise: 1,
  CACompromise: 2,
  AffiliationChanged: 3,
  Superseded: 4,
  CessationOfOperation: 5,
  PrivilegeWithdrawn: 9,
};

/**
 * Issues a revocation list, in DER, signed on the thread pool.
 * @throws {UnsupportedAlgorithmError} when the issuer's key cannot sign so
 * @throws {InvalidParametersError} when the list's number is not positive, or the parameters contradict the
 * key
 */
export function issueRevocationList(specification: RevocationListSpecification): Promise<Uint8Array> {
  return runOnPool(() => signRevocationList(specification));
}

async function signRevocationList(specification: RevocationListSpecification): Promise<Uint8Array> {
  const key = createKeyObject(specification.issuerKey);
  const algorithm = chooseSigningAlgorithm(key, specification.signature);
  const x509 = await import('../../../certs/x509.ts');
  const issuer = new x509.X509Certificate(copyForLibrary(specification.issuerCertificate));
  const identifier = await readIssuerIdentifier(specification.issuerCertificate, exportPublicKey(key));
  const list = await x509.X509CrlGenerator.create(
    {
      issuer: issuer.subjectName,
      thisUpdate: new Date(specification.thisUpdate * 1000),
      nextUpdate: new Date(specification.nextUpdate * 1000),
      entries: specification.entries.map(toEntry),
      extensions: [
        new x509.AuthorityKeyIdentifierExtension(identifier),
        new x509.Extension(
          crlNumber,
          false,
          copyForLibrary(encodeDer(makeInteger(toMagnitude(specification.number)))),
        ),
      ],
      signingKey: key.toCryptoKey(algorithm, false, ['sign']) as CryptoKey,
      signingAlgorithm: algorithm as X509CertificateCreateParams['signingAlgorithm'],
    },
    webcrypto as Crypto,
  );
  return new Uint8Array(list.rawData);
}

function toEntry({ serialNumber, date, reason, invalidSince }: RevokedEntry) {
  const code = reasons[reason];
  // Unspecified is expressed by leaving the reason out. The library then writes an empty list of extensions,
  // which RFC 5280 forbids, so such an entry has the invalidity date instead.
  const since = invalidSince ?? (code === undefined ? date : undefined);
  return {
    serialNumber: readIntegerContent(parseDer(serialNumber)).toHex(),
    revocationDate: new Date(date * 1000),
    ...(code === undefined ? {} : { reason: code }),
    ...(since === undefined ? {} : { invalidity: new Date(since * 1000) }),
  };
}

/** Returns a positive number as a magnitude, big-endian without leading zeros. */
function toMagnitude(number: number): Uint8Array {
  if (!Number.isSafeInteger(number) || number < 1)
    throw new InvalidParametersError('a list has a positive number');
  const digits = number.toString(16);
  return Uint8Array.fromHex(digits.padStart(digits.length + (digits.length % 2), '0'));
}
