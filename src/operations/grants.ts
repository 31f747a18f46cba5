import { readJson, writeJson } from '../common/json.ts';
import type { Principal } from '../identity/principal.ts';
import type { Context, OperationName } from './context.ts';

/**
 * Grants of single objects: what clients of other groups may do with an object, by a decision of the operator
 * (docs/decisions/61-grants.md).
 */

/** Kind of the records of grants, one for each object, with its identifier and group. */
export const grantKind = 'grant';

/**
 * Kind of the records that say that a client or a group has a grant of an object, by both, without content.
 * They are read before the grants, so that a request of whoever has none reads and opens as much for an
 * object with grants as for one that does not exist.
 */
export const granteeKind = 'grantee';

/** Identifier of such a record; names of clients and groups have no space. */
export function granteeId(object: string, to: NamedGrantee): string {
  return 'client' in to ? `client ${to.client} ${object}` : `group ${to.group} ${object}`;
}

/** The most grants of one object: all of them are read with every use by a grant. */
export const maxGrants = 100;

/** One enrolment of a client: another client that gets the name later has no grant by it. */
export interface GrantedClient {
  readonly client: string;
  /** As `Enrolment.enrolledAt`. */
  readonly enrolledAt: number;
}

/** All clients of a group, as many as there are at the use. */
export interface GrantedGroup {
  readonly group: string;
}

/** Who has a grant, by name. */
export type NamedGrantee = Pick<GrantedClient, 'client'> | GrantedGroup;

/** What one client, or the clients of one group, may do with the object. */
export interface Grant {
  readonly to: GrantedClient | GrantedGroup;
  /** KMIP names of operations. */
  readonly operations: readonly string[];
  /** POSIX seconds from which on the grant counts as removed; never when left out. */
  readonly until?: number;
  /** POSIX seconds. */
  readonly grantedAt: number;
}

/** Decodes the content of a record of grants. */
export function readGrants(content: Uint8Array): readonly Grant[] {
  return readJson<{ grants: readonly Grant[] }>(content).grants;
}

/** Encodes the content of a record of grants. */
export function writeGrants(grants: readonly Grant[]): Uint8Array {
  return writeJson({ grants });
}

const makes = 'it makes objects';
const changes = 'it changes the object, which only its group may';
const finds = 'it searches the objects of a group';
const asynchronous = 'asynchronous requests reach objects of the own group only';
const noObject = 'it is about no object';
const ofServer = 'the server sends it';

/**
 * Whether a grant may name the operation: `true`, or why none may. The operations that may read or use one
 * object, and write nothing of it but the count of its uses and that its value has left.
 */
export const grantableOperations: Readonly<Record<OperationName, true | string>> = {
  Get: true,
  GetAttributes: true,
  GetAttributeList: true,
  Check: true,
  Encrypt: true,
  Decrypt: true,
  Sign: true,
  SignatureVerify: true,
  MAC: true,
  MACVerify: true,
  Export: 'it gives out the attributes of the group with the value; Get gives out the value',
  Locate: `${finds}; the operator tells the client the identifier`,
  Validate: 'it follows the Links of certificates to other objects',
  GetUsageAllocation: 'it takes uses from the group that nobody counts any more',
  ObtainLease: 'a lease is about the clients of the group, which change the object',
  Create: makes,
  CreateKeyPair: makes,
  Register: makes,
  Import: makes,
  ReKey: makes,
  ReKeyKeyPair: makes,
  DeriveKey: makes,
  CreateSplitKey: makes,
  JoinSplitKey: makes,
  Certify: makes,
  ReCertify: makes,
  ReProvision: makes,
  AddAttribute: changes,
  ModifyAttribute: changes,
  SetAttribute: changes,
  AdjustAttribute: changes,
  DeleteAttribute: changes,
  Activate: changes,
  Revoke: changes,
  Destroy: changes,
  Archive: changes,
  Recover: changes,
  Poll: asynchronous,
  Cancel: asynchronous,
  Process: asynchronous,
  QueryAsynchronousRequests: asynchronous,
  SetDefaults: noObject,
  SetConstraints: noObject,
  GetConstraints: noObject,
  Hash: noObject,
  RNGRetrieve: noObject,
  RNGSeed: noObject,
  PKCS_11: noObject,
  DiscoverVersions: noObject,
  Query: noObject,
  Ping: noObject,
  Log: noObject,
  Login: noObject,
  Logout: noObject,
  DelegatedLogin: noObject,
  Interop: noObject,
  SetEndpointRole: noObject,
  Notify: ofServer,
  Put: ofServer,
};

/** Whether the operation makes objects; uses of keys that make one, such as a key encapsulation, are none. */
export function makesObjects(operation: string): boolean {
  const reasons: ReadonlyMap<string, true | string> = new Map(Object.entries(grantableOperations));
  return reasons.get(operation) === makes;
}

/** Whether a grant may name the operation. */
export function isGrantable(operation: string): boolean {
  return (
    Object.hasOwn(grantableOperations, operation) && grantableOperations[operation as OperationName] === true
  );
}

/** What grants permit a client with one object. */
export interface GrantedUse {
  /** The grant that permits the operation in question, for the audit log. */
  readonly rule: string;
  /** Everything that the client's grants permit with the object. */
  readonly operations: ReadonlySet<string>;
}

/** Whether the grant is one of the client, whatever it permits and until when. */
export function isGrantOf(
  { to }: Grant,
  { client, enrolledAt, group }: Pick<Principal, 'client' | 'enrolledAt' | 'group'>,
): boolean {
  return 'client' in to ? to.client === client && to.enrolledAt === enrolledAt : to.group === group;
}

/** Whether the grant has ended by `time` (POSIX seconds). */
export function hasEnded({ until }: Grant, time: number): boolean {
  return until !== undefined && until <= time;
}

/**
 * Returns what the grants of an object permit the client at `time` (POSIX seconds); undefined when none
 * permits the operation. Several grants permit what each of them does; one to the client itself goes before
 * those to its group as the rule.
 */
export function findGrantedUse(
  object: string,
  grants: readonly Grant[],
  operation: string,
  { principal, time }: { readonly principal: Parameters<typeof isGrantOf>[1]; readonly time: number },
): GrantedUse | undefined {
  if (!isGrantable(operation)) return undefined;
  const own = grants.filter((grant) => isGrantOf(grant, principal) && !hasEnded(grant, time));
  const permitting = own.filter(({ operations }) => operations.includes(operation));
  const deciding = permitting.find(({ to }) => 'client' in to) ?? permitting[0];
  if (deciding === undefined) return undefined;
  const operations = new Set(own.flatMap((grant) => grant.operations).filter(isGrantable));
  return { rule: describeGrant(object, deciding), operations };
}

/** The longest identifier in a text: a client may choose it at Import. */
const maxIdentifier = 128;

/** Names a grant in one line: `grant OBJECT to client NAME`. */
export function describeGrant(object: string, { to }: Pick<Grant, 'to'>): string {
  const grantee = 'client' in to ? `client ${to.client}` : `group ${to.group}`;
  return `grant ${object.slice(0, maxIdentifier)} to ${grantee}`;
}

/**
 * Removes the grants of an object whose value is destroyed or replaced, with the commit: the operator granted
 * the use of the former one.
 */
export async function endGrants(id: string, { work: { records } }: Pick<Context, 'work'>): Promise<void> {
  const content = await records.load(grantKind, id);
  if (content === undefined) return;
  records.remove(grantKind, id);
  for (const { to } of readGrants(content)) {
    const grantee = granteeId(id, to);
    if ((await records.load(granteeKind, grantee)) !== undefined) records.remove(granteeKind, grantee);
  }
}
