import { ResultReason } from '../../codec/enums.ts';
import { isWithin, type Version } from '../../codec/version.ts';

/** Names of result reasons, as the newest version spells them. */
export type Reason = Exclude<ResultReason, number>;

/**
 * Maximum length of a Result Message in UTF-16 units. Messages may quote attribute names that the client
 * chose, and a response must not grow with them.
 */
const maxMessageLength = 256;

/**
 * A refused request, with the Result Reason and Result Message of the response. The message also goes to the
 * log, so it contains attributes and states, never values.
 *
 * `reason` is the reason of the newest version. Older versions know fewer reasons; `reasonFor` chooses the
 * reason for the version of a request from three members: `reason`, `legacyReason` (replaces `reason` for 1.x
 * clients, where 1.x and 2.x distinguish cases differently) and `asListed` (ignores `usedSince`).
 */
export class KmipError extends Error {
  override readonly name = 'KmipError';
  readonly code = 'KMIP';
  readonly reason: Reason;
  /** Reason for 1.x clients when `olderReasons` would give another one. */
  readonly legacyReason: Reason | undefined;
  /** Whether every version that lists the reason gets it, even before the version in `usedSince`. */
  readonly asListed: boolean;

  constructor(reason: Reason, message: string, legacyReason?: Reason, asListed = false) {
    super(
      message.length <= maxMessageLength
        ? message
        : `${message.slice(0, maxMessageLength - 1).toWellFormed()}…`,
    );
    this.reason = reason;
    this.legacyReason = legacyReason;
    this.asListed = asListed;
  }
}

/** The role of the client lacks a permission. */
export class MissingPermissionError extends KmipError {
  /** An operation by its KMIP name, or a permission beside the operations. */
  readonly permission: string;

  /** `consequence` follows the message. */
  constructor(client: string, permission: string, consequence = '') {
    super('PermissionDenied', `the role of ${client} does not include ${permission}${consequence}`);
    this.permission = permission;
  }
}

/** An operation is under the two-person rule, and no administrator has approved it. */
export class ApprovalMissingError extends KmipError {
  /** Where the rule stands in the configuration; not for clients. */
  readonly rule = 'approval.operations';

  /** @param remedy follows the message */
  constructor(operation: string, remedy: string) {
    super(
      'PermissionDenied',
      `${operation} of this object needs the approval of an administrator: ${remedy}`,
    );
  }
}

/** A restriction of the client's role refuses what its operations would permit. */
export class RoleRestrictionError extends KmipError {
  /** Where the restriction stands in the configuration, such as `roles.backup.formats`; not for clients. */
  readonly rule: string;

  constructor(rule: string, reason: Reason, message: string) {
    super(reason, message);
    this.rule = rule;
  }
}

/**
 * The group of the client has no place for another object. Server Limit Exceeded; 1.x knows a limit only as
 * Index Out Of Bounds, which is about attributes, so its clients get Permission Denied.
 */
export class QuotaExhaustedError extends KmipError {
  /** The quota, such as `quota payments: 1000 objects`. */
  readonly rule: string;

  /** `found`: objects of the group, those of the message included; may be more than `limit`. */
  constructor(group: string, found: number, limit: number) {
    super('ServerLimitExceeded', describeExhausted(group, found, limit), 'PermissionDenied');
    this.rule = describeQuota(group, limit);
  }
}

/** Names a quota in one line. */
export function describeQuota(group: string, limit: number): string {
  return `quota ${group}: ${limit} object${limit === 1 ? '' : 's'}`;
}

function describeExhausted(group: string, found: number, limit: number): string {
  const has =
    found > limit
      ? `more objects than the ${limit} that its quota allows`
      : `${found} objects, as many as its quota allows`;
  return `the group ${group} has ${has}: destroy some, or ask the operator`;
}

/**
 * Refuses the request.
 *
 * @throws {KmipError} always, with the reason of the newest version. `legacyReason` replaces it for 1.x
 * clients where the error tables of 1.x distinguish cases that 2.x does not, or the other way round.
 */
export function fail(reason: Reason, message: string, legacyReason?: Reason): never {
  throw new KmipError(reason, message, legacyReason);
}

/**
 * Next older equivalent of a reason (newer reason: older reason), from the error tables of KMIP 1.4 §11 and
 * the reasons of 2.1 §11.52. `reasonFor` follows the table until it reaches a reason that the client's
 * version knows; a reason without a row becomes General Failure there.
 */
const olderReasons: Partial<Record<Reason, Reason>> = {
  ObjectNotFound: 'ItemNotFound',
  ObjectDestroyed: 'ItemNotFound',
  WrongKeyLifecycleState: 'PermissionDenied',
  IncompatibleCryptographicUsageMask: 'PermissionDenied',
  InvalidObjectType: 'IllegalOperation',
  AttributeReadOnly: 'PermissionDenied',
  ReadOnlyAttribute: 'PermissionDenied',
  AttributeSingleValued: 'IllegalOperation',
  MultiValuedAttribute: 'IllegalOperation',
  NonUniqueNameAttribute: 'IllegalOperation',
  AttributeNotFound: 'ItemNotFound',
  AttributeInstanceNotFound: 'ItemNotFound',
  InvalidAttribute: 'PermissionDenied',
  InvalidAttributeValue: 'InvalidField',
  UnsupportedAttribute: 'InvalidField',
  InvalidDataType: 'InvalidField',
  NumericRange: 'InvalidField',
  ServerLimitExceeded: 'IndexOutOfBounds',
  UsageLimitExceeded: 'PermissionDenied',
  BadCryptographicParameters: 'ItemNotFound',
  UnsupportedCryptographicParameters: 'InvalidField',
  BadPassword: 'InvalidField',
  WrappingObjectNotFound: 'ItemNotFound',
  WrappingObjectArchived: 'ObjectArchived',
  WrappingObjectDestroyed: 'ItemNotFound',
  KeyWrapTypeNotSupported: 'FeatureNotSupported',
  KeyValueNotPresent: 'IllegalOperation',
  NotAuthorised: 'PermissionDenied',
  InvalidTicket: 'PermissionDenied',
  UnsupportedProtocolVersion: 'InvalidMessage',
  UnknownMessageExtension: 'FeatureNotSupported',
  CodecError: 'InvalidMessage',
  Sensitive: 'PermissionDenied',
  NotExtractable: 'PermissionDenied',
  ObjectAlreadyExists: 'IllegalOperation',
  EncodingOptionError: 'InvalidField',
  AttestationRequired: 'PermissionDenied',
  AttestationFailed: 'PermissionDenied',
  UnknownObjectGroup: 'InvalidField',
  ConstraintViolation: 'PermissionDenied',
  ProtectionStorageUnavailable: 'InvalidField',
  InvalidAsynchronousCorrelationValue: 'InvalidField',
  InvalidCorrelationValue: 'ItemNotFound',
  InvalidCSR: 'InvalidField',
};

/**
 * First version that gets a reason when it is later than the first version that lists it. 2.0 lists
 * WrongKeyLifecycleState, but its test cases expect PermissionDenied.
 */
const usedSince: Partial<Record<Reason, Version>> = { WrongKeyLifecycleState: '2.1' };

/** Chooses the reason for a client of that version; General Failure when no equivalent is known there. */
export function reasonFor(error: KmipError, version: Version): Reason {
  let reason: Reason | undefined = isWithin(version, '2.0')
    ? error.reason
    : (error.legacyReason ?? error.reason);
  while (reason !== undefined && !isUsableIn(reason, version, error.asListed)) reason = olderReasons[reason];
  return reason ?? 'GeneralFailure';
}

function isUsableIn(reason: Reason, version: Version, asListed: boolean): boolean {
  return (
    ResultReason.isKnownIn(reason, version) && (asListed || isWithin(version, usedSince[reason] ?? '1.0'))
  );
}
