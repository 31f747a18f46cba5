import type { KeyWrappingSpecification } from '../../../codec/structures/key-block.ts';
import type { AuditedObject, AuditItem } from '../../audit/audit.ts';
import {
  ApprovalMissingError,
  type KmipError,
  QuotaExhaustedError,
  RoleRestrictionError,
} from '../../common/errors.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import { disclosingOperations } from '../../operations/asynchronous/held-objects.ts';
import { findWrappingMethod } from '../../operations/transfer/wrapping.ts';
import { typesOfSecretLength } from '../../vault/vault.ts';

/** What a batch item has had to do with objects. */
export interface ItemTrace {
  /** The last request payload that was read; undefined when none was. */
  readonly request: Readonly<Record<string, unknown>> | undefined;
  /** The objects that it has loaded or made. */
  readonly objects: Iterable<ManagedObject>;
  /** Identifiers of objects that it has asked for and that do not exist for its client. */
  readonly absent: Iterable<string>;
  /** Number of objects that it has found. */
  readonly found: number;
  /** The grant by which it used an object of another group, of several the last one. */
  readonly grant?: string | undefined;
  /** Why it was refused. */
  readonly failure?: KmipError;
}

/** What the log has of an item beside its result. */
export type TracedItem = Pick<
  AuditItem,
  'objects' | 'more' | 'found' | 'format' | 'wrapped' | 'job' | 'rule' | 'details'
>;

/** How an item is described. */
export interface TraceBounds {
  /** POSIX second at which objects have their state. */
  readonly now: number;
  readonly hasNames: boolean;
  /** The most objects that are named. */
  readonly maxObjects: number;
}

/** The longest identifier: a client may ask for any text. */
const maxIdentifier = 128;
const maxCorrelationBytes = 64;
/** Names of one object, and characters of each: the client that made it has given them. */
const [maxNames, maxName] = [8, 256];

/** Describes what an item had to do with objects. */
export function describeTrace(
  operation: string,
  { request, objects, absent, found, grant, failure }: ItemTrace,
  { now, hasNames, maxObjects }: TraceBounds,
): TracedItem {
  const described: AuditedObject[] = [];
  let more = 0;
  for (const object of objects) {
    if (described.length < maxObjects) described.push(describeObject(object, now, hasNames));
    else more += 1;
  }
  for (const id of absent) {
    if (described.length < maxObjects) described.push({ id: toPlainText(id, maxIdentifier) });
    else more += 1;
  }
  return {
    ...(described.length > 0 && { objects: described }),
    ...(more > 0 && { more }),
    ...(operation === 'Locate' && { found }),
    ...(request !== undefined && describeRequest(operation, request, failure === undefined)),
    ...(grant !== undefined && { rule: grant }),
    ...(decidesByRule(failure) && { rule: failure.rule }),
  };
}

/** Failures that name the line of the configuration, or the quota, which decided. */
const ruleErrors = [RoleRestrictionError, ApprovalMissingError, QuotaExhaustedError] as const;

const decidesByRule = (failure: unknown): failure is InstanceType<(typeof ruleErrors)[number]> =>
  ruleErrors.some((each) => failure instanceof each);

function describeRequest(
  operation: string,
  request: Readonly<Record<string, unknown>>,
  isDone: boolean,
): Pick<AuditItem, 'format' | 'wrapped' | 'job'> {
  const { KeyFormatType: format, AsynchronousCorrelationValue: job } = request;
  return {
    ...(typeof format === 'string' && { format }),
    ...(isDone && disclosingOperations.has(operation) && { wrapped: asksToEncrypt(request) }),
    ...(job instanceof Uint8Array && { job: job.subarray(0, maxCorrelationBytes).toHex() }),
  };
}

/** Whether a request wants a value encrypted: one that has a MAC or a signature alone leaves in the clear. */
function asksToEncrypt({ KeyWrappingSpecification: specification }: Readonly<Record<string, unknown>>) {
  if (specification === undefined) return false;
  const { WrappingMethod: method } = specification as KeyWrappingSpecification;
  return findWrappingMethod(method)?.encrypts === true;
}

/** Returns the beginning of a text of a client, without control characters, which would forge lines. */
function toPlainText(text: string, maxLength: number): string {
  return text.slice(0, maxLength).replace(/[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/gu, '\ufffd');
}

function describeObject(object: ManagedObject, now: number, hasNames: boolean): AuditedObject {
  const { id, type, attributes } = object;
  const algorithm = attributes.get('CryptographicAlgorithm');
  const length = attributes.get('CryptographicLength');
  const names = hasNames ? attributes.values('Name').slice(0, maxNames) : [];
  return {
    id,
    type,
    ...(attributes.has('State') && { state: object.state(now) }),
    ...(algorithm !== undefined && { algorithm: String(algorithm) }),
    // The length of a password is a secret.
    ...(length !== undefined && !typesOfSecretLength.has(type) && { length: Number(length) }),
    ...(names.length > 0 && { names: names.map(({ NameValue }) => toPlainText(NameValue, maxName)) }),
  };
}
