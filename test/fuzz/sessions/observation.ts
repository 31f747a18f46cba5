import type { Attribute } from '../../../codec/attribute.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { hasKeyBlock, type ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import type { Version } from '../../../codec/version.ts';
import type { DelegatedRight } from '../../../src/identity/principal.ts';
import type { Snapshot } from '../../memory-store.ts';
import type { PlainAnswer } from './exchange.ts';
import type { Ledger } from './ledger.ts';
import { type ObjectView, viewOf } from './rows.ts';
import type { ClientName } from './server.ts';

/** A ticket that an answer has given out. */
export interface IssuedTicket {
  readonly value: Uint8Array;
  /** Requests that it may authenticate; undefined: any number. */
  readonly requests: number | undefined;
  /** Uses of keys that it allows, in all; undefined: any number. */
  readonly uses: bigint | undefined;
  /** Undefined for a ticket of Login. */
  readonly rights: readonly DelegatedRight[] | undefined;
}

/** One request item with what came back for it, at once or by Poll. */
export interface Result {
  readonly operation: string;
  readonly request: Readonly<Record<string, unknown>>;
  readonly version: Version;
  readonly answer: PlainAnswer;
  /** Undefined where the answer has no payload. */
  readonly payload: Readonly<Record<string, unknown>> | undefined;
  readonly ticket: IssuedTicket | undefined;
  /** Identifies the item of a job, whose answer can be fetched several times. */
  readonly job: string | undefined;
}

/** Everything about one message that an invariant may look at. */
export interface Observation {
  readonly client: ClientName;
  /** The group that the message is about. */
  readonly group: string;
  readonly ticket: IssuedTicket | undefined;
  readonly before: Snapshot;
  readonly after: Snapshot;
  /** POSIX seconds. */
  readonly now: number;
  readonly results: readonly Result[];
  readonly response: Uint8Array;
  /** Operations that the role of the insider no longer has. */
  readonly denied: ReadonlySet<string>;
  /** What was known before the message. */
  readonly ledger: Ledger;
  readonly unexpected: readonly unknown[];
}

export function rowBefore({ before }: Observation, id: string): ObjectView | undefined {
  const row = before.objects.get(id);
  return row && viewOf(row);
}

export function rowAfter({ after }: Observation, id: string): ObjectView | undefined {
  const row = after.objects.get(id);
  return row && viewOf(row);
}

/** Identifiers in a payload: of the object that was worked on, or of those that were made. */
export function identifiersIn(payload: Result['payload']): readonly string[] {
  return ['UniqueIdentifier', 'PrivateKeyUniqueIdentifier', 'PublicKeyUniqueIdentifier'].flatMap(
    (name) => (payload?.[name] as string | readonly string[] | undefined) ?? [],
  );
}

/** The first identifier in the payload. */
export const idIn = ({ payload }: Result): string | undefined => identifiersIn(payload)[0];

/** The object value in an answer of Get or Export. */
export const valueIn = ({ payload }: Result): ManagedObjectValue | undefined =>
  payload?.['Object'] as ManagedObjectValue | undefined;

export const dataIn = ({ payload }: Result): Uint8Array | undefined =>
  ['Data', 'MACData', 'SignatureData'].flatMap(
    (name) => (payload?.[name] as Uint8Array | undefined) ?? [],
  )[0];

export const parametersIn = ({ request }: Pick<Result, 'request'>): CryptographicParameters | undefined =>
  request['CryptographicParameters'] as CryptographicParameters | undefined;

/** The attributes that a request states for a new object, or the one that it sets. */
export function statedIn({ request }: Result): readonly Attribute[] {
  const stated = request['Attributes'] as
    | readonly Attribute[]
    | { readonly attributes: readonly Attribute[] }
    | undefined;
  if (stated === undefined) return [];
  return 'attributes' in stated ? stated.attributes : stated;
}

/** How an answer protects the key in it; undefined for a key in the clear. */
export function wrappingIn(result: Result) {
  const value = valueIn(result);
  const data = value && hasKeyBlock(value) ? value.value.KeyBlock.KeyWrappingData : undefined;
  return data?.WrappingMethod === 'MACSign' ? undefined : data;
}

/** Whether the key in an answer was wrapped for this answer. */
export const isWrappedNow = ({ request }: Result): boolean =>
  request['KeyWrappingSpecification'] !== undefined;
