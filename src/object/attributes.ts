import type { AttributeName } from '../../codec/attribute-table.ts';
import type { ObjectTypeName } from '../../codec/structures/managed-objects.ts';

/**
 * Who gives an attribute its first value. `fact`: it follows from the request or the value; a client may state it when
 * the object is made, and must then agree. `server`: a client that states it is refused.
 */
export type Giver = 'client' | 'either' | 'fact' | 'server';

/**
 * When a client may change a value. `preActive`: while Pre-Active. `ahead`: while Pre-Active or Active and the date has
 * not come. `running`: while Pre-Active or Active. `unspent`: before anything was allocated of it.
 */
export type Change = 'never' | 'always' | 'preActive' | 'ahead' | 'running' | 'unspent';

/** Operations by which an attribute comes to be without a client naming it. */
export type Origin =
  | 'Create'
  | 'CreateKeyPair'
  | 'Register'
  | 'DeriveKey'
  | 'Certify'
  | 'ReCertify'
  | 'ReKey'
  | 'ReKeyKeyPair'
  | 'Activate'
  | 'Revoke'
  | 'Destroy'
  | 'Archive'
  | 'Recover'
  | 'AddAttribute'
  | 'ModifyAttribute'
  | 'DeleteAttribute'
  | 'GetUsageAllocation';

/** The rules of one attribute (KMIP 2.1 §4, 1.4 §3). Its form and its versions stand in the codec's table. */
export interface AttributeRule {
  readonly giver: Giver;
  /** Every object that it applies to has a value. */
  readonly always: boolean;
  readonly modify: Change;
  readonly delete: 'never' | 'always' | 'unspent';
  /** Several instances on one object. */
  readonly multiple: boolean;
  /** Object types it applies to; all when left out (2.x; what 1.x forbade beyond that did no harm). */
  readonly types?: readonly ObjectTypeName[];
  readonly origins: readonly Origin[];
}

const made = [
  'Create',
  'CreateKeyPair',
  'Register',
  'DeriveKey',
  'Certify',
  'ReCertify',
  'ReKey',
  'ReKeyKeyPair',
] as const;
const generated = ['Create', 'CreateKeyPair', 'DeriveKey', 'ReKey', 'ReKeyKeyPair'] as const;
const keysMade = ['Create', 'CreateKeyPair', 'Register', 'DeriveKey', 'ReKey', 'ReKeyKeyPair'] as const;
const symmetricMade = ['Create', 'Register', 'DeriveKey', 'ReKey'] as const;
const certificatesMade = ['Register', 'Certify', 'ReCertify'] as const;
const replaced = ['ReKey', 'ReKeyKeyPair', 'ReCertify'] as const;
const touched = [
  ...made,
  'Activate',
  'Revoke',
  'Destroy',
  'Archive',
  'Recover',
  'AddAttribute',
  'ModifyAttribute',
  'DeleteAttribute',
  'GetUsageAllocation',
] as const;

const certificates = ['Certificate'] as const;

interface Rest {
  readonly always?: true;
  readonly modify?: Change;
  readonly delete?: 'always' | 'unspent';
  readonly multiple?: true;
  readonly types?: readonly ObjectTypeName[];
  readonly by?: readonly Origin[];
}

function rule(
  giver: Giver,
  { always, modify, delete: remove, multiple, types, by }: Rest = {},
): AttributeRule {
  const row: AttributeRule = {
    giver,
    always: always ?? false,
    modify: modify ?? 'never',
    delete: remove ?? 'never',
    multiple: multiple ?? false,
    origins: by ?? [],
  };
  return types === undefined ? row : { ...row, types };
}

/** A client's own words about an object: free to change and to take back. */
function free(giver: 'client' | 'either', rest: Rest = {}): AttributeRule {
  return rule(giver, { modify: 'always', delete: 'always', ...rest });
}

function derivedFromCertificate(rest: Rest = {}): AttributeRule {
  return rule('fact', { types: certificates, by: certificatesMade, ...rest });
}

/** Parts of a distinguished name; multi-valued, because a name may have several organisational units. */
const namePart = derivedFromCertificate({ multiple: true });

export const attributeRules: Readonly<Record<AttributeName, AttributeRule>> = {
  UniqueIdentifier: rule('server', { always: true, by: made }),
  Name: free('client', { multiple: true, by: replaced }),
  ObjectType: rule('fact', { always: true, by: made }),
  CryptographicAlgorithm: rule('fact', { always: true, by: made }),
  CryptographicLength: rule('fact', { always: true, by: made }),
  CryptographicParameters: free('client', { multiple: true, by: replaced }),
  CryptographicDomainParameters: rule('client', {
    types: ['PublicKey', 'PrivateKey'],
    by: ['ReKey', 'ReKeyKeyPair'],
  }),
  CertificateType: derivedFromCertificate({ always: true }),
  CertificateIdentifier: derivedFromCertificate({ always: true }),
  CertificateSubject: derivedFromCertificate({ always: true }),
  CertificateIssuer: derivedFromCertificate({ always: true }),
  Digest: rule('server', { always: true, multiple: true, by: made }),
  OperationPolicyName: rule('either', { by: made }),
  CryptographicUsageMask: rule('either', { always: true, by: made }),
  LeaseTime: rule('server', { by: made }),
  UsageLimits: rule('either', {
    modify: 'unspent',
    delete: 'unspent',
    by: [...keysMade, 'GetUsageAllocation'],
  }),
  State: rule('server', { always: true, by: [...made, 'Activate', 'Revoke', 'Destroy'] }),
  InitialDate: rule('server', { always: true, by: made }),
  ActivationDate: rule('either', { modify: 'preActive', by: [...made, 'Activate'] }),
  ProcessStartDate: rule('either', { modify: 'ahead', by: symmetricMade }),
  ProtectStopDate: rule('either', { modify: 'ahead', by: symmetricMade }),
  DeactivationDate: rule('either', { modify: 'running', by: [...made, 'Revoke'] }),
  DestroyDate: rule('server', { by: ['Destroy'] }),
  CompromiseOccurrenceDate: rule('server', { by: ['Revoke'] }),
  CompromiseDate: rule('server', { by: ['Revoke'] }),
  RevocationReason: rule('server', { by: ['Revoke'] }),
  ArchiveDate: rule('server', { by: ['Archive'] }),
  ObjectGroup: free('either', { multiple: true, by: made }),
  Link: free('either', {
    multiple: true,
    by: ['CreateKeyPair', 'DeriveKey', 'Certify', 'ReCertify', 'ReKey', 'ReKeyKeyPair', 'Register'],
  }),
  ApplicationSpecificInformation: free('client', { multiple: true, by: replaced }),
  ContactInformation: free('either', { by: made }),
  LastChangeDate: rule('server', { always: true, by: touched }),
  CertificateLength: derivedFromCertificate({ always: true }),
  X_509CertificateIdentifier: derivedFromCertificate({ always: true }),
  X_509CertificateSubject: derivedFromCertificate({ always: true }),
  X_509CertificateIssuer: derivedFromCertificate({ always: true }),
  DigitalSignatureAlgorithm: derivedFromCertificate({
    always: true,
    multiple: true,
    types: ['Certificate', 'PGPKey'],
  }),
  Fresh: rule('either', { always: true, by: made }),
  AlternativeName: free('client', { multiple: true }),
  KeyValuePresent: rule('server', { by: ['Register'] }),
  KeyValueLocation: free('client', { multiple: true }),
  OriginalCreationDate: rule('either', { by: generated }),
  RandomNumberGenerator: rule('either', { by: generated }),
  PKCS_12FriendlyName: free('either'),
  Description: free('either'),
  Comment: free('either'),
  Sensitive: rule('either', { always: true, modify: 'always', by: made }),
  AlwaysSensitive: rule('server', { always: true, by: made }),
  Extractable: rule('either', { always: true, modify: 'always', by: made }),
  NeverExtractable: rule('server', { always: true, by: made }),
  CertificateSubjectCN: namePart,
  CertificateSubjectO: namePart,
  CertificateSubjectOU: namePart,
  CertificateSubjectEmail: namePart,
  CertificateSubjectC: namePart,
  CertificateSubjectST: namePart,
  CertificateSubjectL: namePart,
  CertificateSubjectUID: namePart,
  CertificateSubjectSerialNumber: namePart,
  CertificateSubjectTitle: namePart,
  CertificateSubjectDC: namePart,
  CertificateSubjectDNQualifier: namePart,
  CertificateIssuerCN: namePart,
  CertificateIssuerO: namePart,
  CertificateIssuerOU: namePart,
  CertificateIssuerEmail: namePart,
  CertificateIssuerC: namePart,
  CertificateIssuerST: namePart,
  CertificateIssuerL: namePart,
  CertificateIssuerUID: namePart,
  CertificateIssuerSerialNumber: namePart,
  CertificateIssuerTitle: namePart,
  CertificateIssuerDC: namePart,
  CertificateIssuerDNQualifier: namePart,
  KeyFormatType: rule('fact', { always: true }),
  NISTKeyType: rule('client', { multiple: true }),
  OpaqueDataType: rule('fact', { always: true, types: ['OpaqueObject'], by: ['Register'] }),
  ProtectionLevel: free('client'),
  ProtectionPeriod: free('client'),
  ProtectionStorageMask: rule('fact', { always: true, by: made }),
  QuantumSafe: free('client'),
  ShortUniqueIdentifier: rule('server', { always: true, by: made }),
  RotateAutomatic: rule('either'),
  RotateDate: rule('server'),
  RotateGeneration: rule('server'),
  RotateInterval: rule('either'),
  RotateLatest: rule('server'),
  RotateName: free('client'),
  RotateOffset: rule('either'),
};

/** Attributes of vendors: any type, any number. */
const vendorRule = free('either', { multiple: true });
/** Vendor `y` is the server: a client may bring such an attribute along, but not change or delete it. */
const serverVendorRule = rule('either', { multiple: true });

/** The rule of an attribute of any kind. */
export function ruleOf(reference: {
  readonly name: string;
  readonly vendor?: string | undefined;
}): AttributeRule {
  if (reference.vendor === undefined) return attributeRules[reference.name as AttributeName];
  return reference.vendor === 'y' ? serverVendorRule : vendorRule;
}

/** Whether objects of that type may carry the attribute. */
export function appliesTo(rule: AttributeRule, type: ObjectTypeName): boolean {
  return rule.types === undefined || type === 'Template' || rule.types.includes(type);
}

/** Instances of one attribute that one object may carry: a bound on what a client can pile up. */
export const maxInstances = 1_000;

/** Attributes of all kinds that one object may carry: every operation reads them all, and answers hold them all. */
export const maxAttributes = 4_000;
