import { ResultReason } from '../../codec/enums.ts';
import { isWithin, type Version } from '../../codec/version.ts';

/** Names of result reasons, as the newest version spells them. */
export type Reason = Exclude<ResultReason, number>;

/** Longest Result Message: attribute names are of the client's choosing, and an answer must not be larger than its question. */
const maxMessageLength = 256;

/**
 * A refused request: the client asked for something it may not have, or asked wrongly. The message reaches the client
 * and the log, so it names attributes and states, never values.
 */
export class KmipError extends Error {
  override readonly name = 'KmipError';
  readonly code = 'KMIP';
  readonly reason: Reason;
  /** Reason for 1.x clients where the table below would give another one. */
  readonly legacyReason: Reason | undefined;
  /** Said as soon as a version lists the reason, whatever `usedSince` says. */
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

/**
 * Refuses the request. Handlers name the modern reason; `classic` overrides what 1.x clients are told where the older
 * error tables tell cases apart that 2.x joins, or the other way round.
 */
export function fail(reason: Reason, message: string, legacyReason?: Reason): never {
  throw new KmipError(reason, message, legacyReason);
}

/**
 * What an older vocabulary calls the same thing. Reasons of the newer versions fall through this table until one is
 * reached that the client's version knows (KMIP 1.4 §11, 2.1 §11.52).
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

/** 2.0 lists WrongKeyLifecycleState, but its test cases still want PermissionDenied. */
const usedSince: Partial<Record<Reason, Version>> = { WrongKeyLifecycleState: '2.1' };

/** The reason as the client's version knows it; General Failure when nothing fits. */
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
