import {
  CertificateType,
  CryptographicAlgorithm,
  DigitalSignatureAlgorithm,
  KeyFormatType,
  NISTKeyType,
  ObjectType,
  OpaqueDataType,
  ProtectionLevel,
  State,
} from './enums.ts';
import { CryptographicUsageMask, ProtectionStorageMask } from './masks.ts';
import { type AnySchema, bool, bytes, date, type Infer, integer, interval, text } from './schema.ts';
import {
  AlternativeName,
  ApplicationSpecificInformation,
  CertificateIdentifier,
  CertificateIssuer,
  CertificateSubject,
  Digest,
  KeyValueLocation,
  Link,
  Name,
  RevocationReason,
  RotateName,
  UsageLimits,
  X_509CertificateIdentifier,
  X_509CertificateIssuer,
  X_509CertificateSubject,
} from './structures/attribute-values.ts';
import {
  CryptographicDomainParameters,
  CryptographicParameters,
  RNGParameters,
} from './structures/cryptographic-parameters.ts';
import { identifier } from './structures/identifier.ts';
import { isWithin, type Version } from './version.ts';

/**
 * Form of an attribute on the wire: 1.x name (null: 2.x only), schema of the value, first and last version.
 */
export interface AttributeRow<S extends AnySchema = AnySchema> {
  readonly name1x: string | null;
  readonly schema: S;
  readonly since: Version;
  readonly until?: Version;
}

function row<S extends AnySchema>(
  name1x: string | null,
  schema: S,
  since: Version,
  until?: Version,
): AttributeRow<S> {
  return until === undefined ? { name1x, schema, since } : { name1x, schema, since, until };
}

/**
 * Every attribute of KMIP 1.0–2.1 by its tag name (KMIP 2.1 §4, 1.4 §3). `src/object/attributes.ts` has the
 * rules for setting and changing them.
 */
export const attributeTable = {
  UniqueIdentifier: row('Unique Identifier', identifier, '1.0'),
  Name: row('Name', Name, '1.0'),
  ObjectType: row('Object Type', ObjectType, '1.0'),
  CryptographicAlgorithm: row('Cryptographic Algorithm', CryptographicAlgorithm, '1.0'),
  CryptographicLength: row('Cryptographic Length', integer, '1.0'),
  CryptographicParameters: row('Cryptographic Parameters', CryptographicParameters, '1.0'),
  CryptographicDomainParameters: row('Cryptographic Domain Parameters', CryptographicDomainParameters, '1.0'),
  CertificateType: row('Certificate Type', CertificateType, '1.0'),
  CertificateIdentifier: row('Certificate Identifier', CertificateIdentifier, '1.0', '1.4'),
  CertificateSubject: row('Certificate Subject', CertificateSubject, '1.0', '1.4'),
  CertificateIssuer: row('Certificate Issuer', CertificateIssuer, '1.0', '1.4'),
  Digest: row('Digest', Digest, '1.0'),
  OperationPolicyName: row('Operation Policy Name', text, '1.0', '1.4'),
  CryptographicUsageMask: row('Cryptographic Usage Mask', CryptographicUsageMask, '1.0'),
  LeaseTime: row('Lease Time', interval, '1.0'),
  UsageLimits: row('Usage Limits', UsageLimits, '1.0'),
  State: row('State', State, '1.0'),
  InitialDate: row('Initial Date', date, '1.0'),
  ActivationDate: row('Activation Date', date, '1.0'),
  ProcessStartDate: row('Process Start Date', date, '1.0'),
  ProtectStopDate: row('Protect Stop Date', date, '1.0'),
  DeactivationDate: row('Deactivation Date', date, '1.0'),
  DestroyDate: row('Destroy Date', date, '1.0'),
  CompromiseOccurrenceDate: row('Compromise Occurrence Date', date, '1.0'),
  CompromiseDate: row('Compromise Date', date, '1.0'),
  RevocationReason: row('Revocation Reason', RevocationReason, '1.0'),
  ArchiveDate: row('Archive Date', date, '1.0'),
  ObjectGroup: row('Object Group', text, '1.0'),
  Link: row('Link', Link, '1.0'),
  ApplicationSpecificInformation: row(
    'Application Specific Information',
    ApplicationSpecificInformation,
    '1.0',
  ),
  ContactInformation: row('Contact Information', text, '1.0'),
  LastChangeDate: row('Last Change Date', date, '1.0'),
  CertificateLength: row('Certificate Length', integer, '1.1'),
  X_509CertificateIdentifier: row('X.509 Certificate Identifier', X_509CertificateIdentifier, '1.1'),
  X_509CertificateSubject: row('X.509 Certificate Subject', X_509CertificateSubject, '1.1'),
  X_509CertificateIssuer: row('X.509 Certificate Issuer', X_509CertificateIssuer, '1.1'),
  DigitalSignatureAlgorithm: row('Digital Signature Algorithm', DigitalSignatureAlgorithm, '1.1'),
  Fresh: row('Fresh', bool, '1.1'),
  AlternativeName: row('Alternative Name', AlternativeName, '1.2'),
  KeyValuePresent: row('Key Value Present', bool, '1.2'),
  KeyValueLocation: row('Key Value Location', KeyValueLocation, '1.2'),
  OriginalCreationDate: row('Original Creation Date', date, '1.2'),
  RandomNumberGenerator: row('Random Number Generator', RNGParameters, '1.3'),
  PKCS_12FriendlyName: row('PKCS#12 Friendly Name', text, '1.4'),
  Description: row('Description', text, '1.4'),
  Comment: row('Comment', text, '1.4'),
  Sensitive: row('Sensitive', bool, '1.4'),
  AlwaysSensitive: row('Always Sensitive', bool, '1.4'),
  Extractable: row('Extractable', bool, '1.4'),
  NeverExtractable: row('Never Extractable', bool, '1.4'),
  CertificateSubjectCN: row('Certificate Subject CN', text, '1.4'),
  CertificateSubjectO: row('Certificate Subject O', text, '1.4'),
  CertificateSubjectOU: row('Certificate Subject OU', text, '1.4'),
  CertificateSubjectEmail: row('Certificate Subject Email', text, '1.4'),
  CertificateSubjectC: row('Certificate Subject C', text, '1.4'),
  CertificateSubjectST: row('Certificate Subject ST', text, '1.4'),
  CertificateSubjectL: row('Certificate Subject L', text, '1.4'),
  CertificateSubjectUID: row('Certificate Subject UID', text, '1.4'),
  CertificateSubjectSerialNumber: row('Certificate Subject Serial Number', text, '1.4'),
  CertificateSubjectTitle: row('Certificate Subject Title', text, '1.4'),
  CertificateSubjectDC: row('Certificate Subject DC', text, '1.4'),
  CertificateSubjectDNQualifier: row('Certificate Subject DN Qualifier', text, '1.4'),
  CertificateIssuerCN: row('Certificate Issuer CN', text, '1.4'),
  CertificateIssuerO: row('Certificate Issuer O', text, '1.4'),
  CertificateIssuerOU: row('Certificate Issuer OU', text, '1.4'),
  CertificateIssuerEmail: row('Certificate Issuer Email', text, '1.4'),
  CertificateIssuerC: row('Certificate Issuer C', text, '1.4'),
  CertificateIssuerST: row('Certificate Issuer ST', text, '1.4'),
  CertificateIssuerL: row('Certificate Issuer L', text, '1.4'),
  CertificateIssuerUID: row('Certificate Issuer UID', text, '1.4'),
  CertificateIssuerSerialNumber: row('Certificate Issuer Serial Number', text, '1.4'),
  CertificateIssuerTitle: row('Certificate Issuer Title', text, '1.4'),
  CertificateIssuerDC: row('Certificate Issuer DC', text, '1.4'),
  CertificateIssuerDNQualifier: row('Certificate Issuer DN Qualifier', text, '1.4'),
  KeyFormatType: row(null, KeyFormatType, '2.0'),
  NISTKeyType: row(null, NISTKeyType, '2.0'),
  OpaqueDataType: row(null, OpaqueDataType, '2.0'),
  ProtectionLevel: row(null, ProtectionLevel, '2.0'),
  ProtectionPeriod: row(null, interval, '2.0'),
  ProtectionStorageMask: row(null, ProtectionStorageMask, '2.0'),
  QuantumSafe: row(null, bool, '2.0'),
  ShortUniqueIdentifier: row(null, bytes, '2.0'),
  RotateAutomatic: row(null, bool, '2.1'),
  RotateDate: row(null, date, '2.1'),
  RotateGeneration: row(null, integer, '2.1'),
  RotateInterval: row(null, interval, '2.1'),
  RotateLatest: row(null, bool, '2.1'),
  RotateName: row(null, RotateName, '2.1'),
  RotateOffset: row(null, interval, '2.1'),
} as const satisfies Record<string, AttributeRow>;

/** Tag name of a standard attribute. */
export type AttributeName = keyof typeof attributeTable;
/** TypeScript type of an attribute's value. */
export type AttributeValue<N extends AttributeName> = Infer<(typeof attributeTable)[N]['schema']>;

const byName1x = new Map<string, AttributeName>();
for (const [name, { name1x }] of Object.entries(attributeTable)) {
  if (name1x !== null) byName1x.set(name1x, name as AttributeName);
}

/** The row of one attribute, typed without its own value. */
export function attributeRow(name: AttributeName): AttributeRow {
  return attributeTable[name];
}

/** Whether `name` is the tag name of a standard attribute; safe for names that a client chose. */
export function isAttributeName(name: string): name is AttributeName {
  return Object.hasOwn(attributeTable, name);
}

/**
 * Finds the attribute of a 1.x name such as `Cryptographic Usage Mask`; undefined for other names. Runs of
 * spaces count as one, because some documents have them.
 */
export function attributeFromName1x(name: string): AttributeName | undefined {
  return byName1x.get(name) ?? byName1x.get(name.replace(/\s+/g, ' ').trim());
}

/** Whether a response in that version may contain the attribute. */
export function isAttributeKnownIn(name: AttributeName, version: Version): boolean {
  const { since, until } = attributeRow(name);
  return isWithin(version, since, until);
}
