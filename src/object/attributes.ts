import type { AttributeName } from '../../codec/attribute-table.ts';
import type { ObjectTypeName } from '../../codec/structures/managed-objects.ts';

/**
 * Operation Policy Name of objects whose client stated none (KMIP 1.4 §3.18.2). Objects of 2.x clients, whose
 * versions have no such attribute, do not store it.
 */
export const defaultOperationPolicy = 'default';

/**
 * Source of the first value of an attribute. `derived`: the value follows from the request or from the
 * object; a client may state it when it creates the object, and must then state the same. `server`: a client
 * may not state it. `either`: the client, else the server.
 */
export type AttributeSource = 'client' | 'either' | 'derived' | 'server';

/**
 * When a client may change a value. `preActive`: while Pre-Active. `beforeDate`: while Pre-Active or Active,
 * before the date. `beforeDeactivation`: while Pre-Active or Active. `unallocated`: before any usage was
 * allocated.
 */
export type Change = 'never' | 'always' | 'preActive' | 'beforeDate' | 'beforeDeactivation' | 'unallocated';

/** Operations that set an attribute without a client stating it. */
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

/**
 * The rules of one attribute (KMIP 2.1 §4, 1.4 §3). The attribute table of the codec has its form and
 * versions.
 */
export interface AttributeRule {
  readonly source: AttributeSource;
  /** Whether every object of these types has a value. */
  readonly always: boolean;
  readonly modify: Change;
  readonly delete: 'never' | 'always' | 'unallocated';
  /** Whether one object may have several instances. */
  readonly multiple: boolean;
  /**
   * Object types that may have the attribute, as in 2.x; all when left out. 1.x allows fewer, which is not
   * enforced.
   */
  readonly types?: readonly ObjectTypeName[];
  readonly origins: readonly Origin[];
}

const creatingOperations = [
  'Create',
  'CreateKeyPair',
  'Register',
  'DeriveKey',
  'Certify',
  'ReCertify',
  'ReKey',
  'ReKeyKeyPair',
] as const;
const generatingOperations = ['Create', 'CreateKeyPair', 'DeriveKey', 'ReKey', 'ReKeyKeyPair'] as const;
const keyCreatingOperations = [
  'Create',
  'CreateKeyPair',
  'Register',
  'DeriveKey',
  'ReKey',
  'ReKeyKeyPair',
] as const;
const symmetricKeyCreatingOperations = ['Create', 'Register', 'DeriveKey', 'ReKey'] as const;
const certificateCreatingOperations = ['Register', 'Certify', 'ReCertify'] as const;
const replacingOperations = ['ReKey', 'ReKeyKeyPair', 'ReCertify'] as const;
const changingOperations = [
  ...creatingOperations,
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

const certificateType = ['Certificate'] as const;

/** Members of a rule that differ from the default. */
interface RuleOptions {
  readonly always?: true;
  readonly modify?: Change;
  readonly delete?: 'always' | 'unallocated';
  readonly multiple?: true;
  readonly types?: readonly ObjectTypeName[];
  readonly origins?: readonly Origin[];
}

function rule(
  source: AttributeSource,
  { always, modify, delete: remove, multiple, types, origins }: RuleOptions = {},
): AttributeRule {
  const row: AttributeRule = {
    source,
    always: always ?? false,
    modify: modify ?? 'never',
    delete: remove ?? 'never',
    multiple: multiple ?? false,
    origins: origins ?? [],
  };
  return types === undefined ? row : { ...row, types };
}

/** Rule of an attribute that clients may change and delete at any time. */
function changeableRule(source: 'client' | 'either', options: RuleOptions = {}): AttributeRule {
  return rule(source, { modify: 'always', delete: 'always', ...options });
}

/** Rule of an attribute that follows from the content of a certificate. */
function certificateRule(options: RuleOptions = {}): AttributeRule {
  return rule('derived', { types: certificateType, origins: certificateCreatingOperations, ...options });
}

/**
 * Rule of the parts of a distinguished name; multi-valued, because a name may have several organisational
 * units.
 */
const namePartRule = certificateRule({ multiple: true });

/** Rules of all standard attributes. */
export const attributeRules: Readonly<Record<AttributeName, AttributeRule>> = {
  UniqueIdentifier: rule('server', { always: true, origins: creatingOperations }),
  Name: changeableRule('client', { multiple: true, origins: replacingOperations }),
  ObjectType: rule('derived', { always: true, origins: creatingOperations }),
  CryptographicAlgorithm: rule('derived', { always: true, origins: creatingOperations }),
  CryptographicLength: rule('derived', { always: true, origins: creatingOperations }),
  CryptographicParameters: changeableRule('client', { multiple: true, origins: replacingOperations }),
  CryptographicDomainParameters: rule('client', {
    types: ['PublicKey', 'PrivateKey'],
    origins: ['ReKey', 'ReKeyKeyPair'],
  }),
  CertificateType: certificateRule({ always: true }),
  CertificateIdentifier: certificateRule({ always: true }),
  CertificateSubject: certificateRule({ always: true }),
  CertificateIssuer: certificateRule({ always: true }),
  Digest: rule('server', { always: true, multiple: true, origins: creatingOperations }),
  OperationPolicyName: rule('either', { origins: creatingOperations }),
  CryptographicUsageMask: rule('either', { always: true, origins: creatingOperations }),
  LeaseTime: rule('server', { origins: creatingOperations }),
  UsageLimits: rule('either', {
    modify: 'unallocated',
    delete: 'unallocated',
    origins: [...keyCreatingOperations, 'GetUsageAllocation'],
  }),
  State: rule('server', { always: true, origins: [...creatingOperations, 'Activate', 'Revoke', 'Destroy'] }),
  InitialDate: rule('server', { always: true, origins: creatingOperations }),
  ActivationDate: rule('either', { modify: 'preActive', origins: [...creatingOperations, 'Activate'] }),
  ProcessStartDate: rule('either', { modify: 'beforeDate', origins: symmetricKeyCreatingOperations }),
  ProtectStopDate: rule('either', { modify: 'beforeDate', origins: symmetricKeyCreatingOperations }),
  DeactivationDate: rule('either', {
    modify: 'beforeDeactivation',
    origins: [...creatingOperations, 'Revoke'],
  }),
  DestroyDate: rule('server', { origins: ['Destroy'] }),
  CompromiseOccurrenceDate: rule('server', { origins: ['Revoke'] }),
  CompromiseDate: rule('server', { origins: ['Revoke'] }),
  RevocationReason: rule('server', { origins: ['Revoke'] }),
  ArchiveDate: rule('server', { origins: ['Archive'] }),
  ObjectGroup: changeableRule('either', { multiple: true, origins: creatingOperations }),
  Link: changeableRule('either', {
    multiple: true,
    origins: ['CreateKeyPair', 'DeriveKey', 'Certify', 'ReCertify', 'ReKey', 'ReKeyKeyPair', 'Register'],
  }),
  ApplicationSpecificInformation: changeableRule('client', { multiple: true, origins: replacingOperations }),
  ContactInformation: changeableRule('either', { origins: creatingOperations }),
  LastChangeDate: rule('server', { always: true, origins: changingOperations }),
  CertificateLength: certificateRule({ always: true }),
  X_509CertificateIdentifier: certificateRule({ always: true }),
  X_509CertificateSubject: certificateRule({ always: true }),
  X_509CertificateIssuer: certificateRule({ always: true }),
  DigitalSignatureAlgorithm: certificateRule({
    always: true,
    multiple: true,
    types: ['Certificate', 'PGPKey'],
  }),
  Fresh: rule('either', { always: true, origins: creatingOperations }),
  AlternativeName: changeableRule('client', { multiple: true }),
  KeyValuePresent: rule('server', { origins: ['Register'] }),
  KeyValueLocation: changeableRule('client', { multiple: true }),
  OriginalCreationDate: rule('either', { origins: generatingOperations }),
  RandomNumberGenerator: rule('either', { origins: generatingOperations }),
  PKCS_12FriendlyName: changeableRule('either'),
  Description: changeableRule('either'),
  Comment: changeableRule('either'),
  Sensitive: rule('either', { always: true, modify: 'always', origins: creatingOperations }),
  AlwaysSensitive: rule('server', { always: true, origins: creatingOperations }),
  Extractable: rule('either', { always: true, modify: 'always', origins: creatingOperations }),
  NeverExtractable: rule('server', { always: true, origins: creatingOperations }),
  CertificateSubjectCN: namePartRule,
  CertificateSubjectO: namePartRule,
  CertificateSubjectOU: namePartRule,
  CertificateSubjectEmail: namePartRule,
  CertificateSubjectC: namePartRule,
  CertificateSubjectST: namePartRule,
  CertificateSubjectL: namePartRule,
  CertificateSubjectUID: namePartRule,
  CertificateSubjectSerialNumber: namePartRule,
  CertificateSubjectTitle: namePartRule,
  CertificateSubjectDC: namePartRule,
  CertificateSubjectDNQualifier: namePartRule,
  CertificateIssuerCN: namePartRule,
  CertificateIssuerO: namePartRule,
  CertificateIssuerOU: namePartRule,
  CertificateIssuerEmail: namePartRule,
  CertificateIssuerC: namePartRule,
  CertificateIssuerST: namePartRule,
  CertificateIssuerL: namePartRule,
  CertificateIssuerUID: namePartRule,
  CertificateIssuerSerialNumber: namePartRule,
  CertificateIssuerTitle: namePartRule,
  CertificateIssuerDC: namePartRule,
  CertificateIssuerDNQualifier: namePartRule,
  KeyFormatType: rule('derived', { always: true }),
  NISTKeyType: rule('client', { multiple: true }),
  OpaqueDataType: rule('derived', { always: true, types: ['OpaqueObject'], origins: ['Register'] }),
  ProtectionLevel: changeableRule('client'),
  ProtectionPeriod: changeableRule('client'),
  ProtectionStorageMask: rule('derived', { always: true, origins: creatingOperations }),
  QuantumSafe: changeableRule('client'),
  ShortUniqueIdentifier: rule('server', { always: true, origins: creatingOperations }),
  RotateAutomatic: rule('either'),
  RotateDate: rule('server'),
  RotateGeneration: rule('server'),
  RotateInterval: rule('either'),
  RotateLatest: rule('server'),
  RotateName: changeableRule('client'),
  RotateOffset: rule('either'),
};

/** Rule of attributes of vendors: any type, any number. */
const vendorRule = changeableRule('either', { multiple: true });
/**
 * Rule of vendor `y`, the server: a client may state such an attribute at creation, but not change or delete
 * it.
 */
const serverVendorRule = rule('either', { multiple: true });

/** Returns the rule of a standard attribute or of an attribute of a vendor. */
export function ruleOf(reference: {
  readonly name: string;
  readonly vendor?: string | undefined;
}): AttributeRule {
  if (reference.vendor === undefined) return attributeRules[reference.name as AttributeName];
  return reference.vendor === 'y' ? serverVendorRule : vendorRule;
}

/** Whether objects of that type may have the attribute; Templates may have all. */
export function isApplicableTo(rule: AttributeRule, type: ObjectTypeName): boolean {
  return rule.types === undefined || type === 'Template' || rule.types.includes(type);
}

/**
 * Maximum number of instances of one attribute on one object, so that clients cannot add instances without
 * end.
 */
export const maxInstances = 1_000;

/**
 * Maximum number of attributes on one object: every operation reads all of them, and responses contain all of
 * them.
 */
export const maxAttributes = 4_000;
