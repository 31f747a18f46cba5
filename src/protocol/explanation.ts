import { X509Certificate } from 'node:crypto';
import { newestVersion } from '../../codec/version.ts';
import { approvalTexts, isApprovable } from '../common/client-approvals.ts';
import { describeQuota } from '../common/errors.ts';
import { listRestrictions, type RoleRestrictions } from '../common/role-restrictions.ts';
import { refusalOf } from '../identity/certificate.ts';
import { alwaysGranted, extraPermissions, type RoleDescription } from '../identity/policy.ts';
import type { Client, ClientDirectory } from '../identity/principal.ts';
import { barsOf } from '../object/bars.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import { describeUnreached, findUnreached } from '../object/roles/role-limits.ts';
import { disclosingOperations } from '../operations/asynchronous/held-objects.ts';
import { usesKeyEncapsulation } from '../operations/cryptography/kem.ts';
import {
  describeGrant,
  findGrantedUse,
  type Grant,
  grantKind,
  hasEnded,
  isGrantOf,
  makesObjects,
  readGrants,
} from '../operations/grants.ts';
import { operations } from '../operations/index.ts';
import type { AnyOperation, ObjectTarget } from '../operations/operation.ts';
import { valueOperations } from '../operations/value-operations.ts';
import type { Store } from '../store/store.ts';
import type { Vault } from '../vault/vault.ts';
import { QuotaDirectory } from './quota-directory.ts';
import { UnitOfWork } from './unit-of-work/unit-of-work.ts';

/**
 * Why a client may use an operation, or may not, as far as that can be told without a request: what client,
 * role and object decide, in the order in which a request is checked.
 */

/** One check. */
export interface ExplanationStep {
  readonly subject: 'client' | 'operation' | 'role' | 'quota' | 'grant' | 'object';
  readonly isAllowed: boolean;
  /** One line; text of clients is in it as they gave it. */
  readonly reason: string;
}

/** What is asked: the operation by its KMIP name, or one of `extraPermissions`. */
export interface ExplanationQuery {
  readonly client: string;
  readonly operation: string;
  /** Unique Identifier. */
  readonly object?: string | undefined;
}

/** What decides. */
export interface ExplanationBackends {
  readonly store: Store;
  readonly vault: Vault;
  readonly clients: ClientDirectory;
  /** The roles in force. */
  readonly roles: () => readonly RoleDescription[];
  /** The latest time that is known, by which grants end: POSIX seconds; the clock when left out. */
  readonly latestTime?: () => Promise<number>;
}

/** The operations and permissions that can be asked for. */
export const explainedOperations: readonly string[] = [
  ...[...operations.values()].map(({ name }) => name as string),
  ...extraPermissions,
];

/**
 * Returns the checks up to the first one that refuses, which is the last then. Changes nothing.
 * @throws {StoreUnavailableError} {SealBrokenError} when a row that decides cannot be read
 */
export async function explain(
  { client: name, operation: asked, object: id }: ExplanationQuery,
  backends: ExplanationBackends,
  now: Date = new Date(),
): Promise<readonly ExplanationStep[]> {
  const client = await backends.clients.byName(name);
  const offered = operations.get(asked);
  const steps: ExplanationStep[] = [];
  const isGranted = () => steps.some(({ subject }) => subject === 'grant');
  const checks = [
    () => explainClient(name, client, now),
    () => explainOperation(asked, offered),
    () => client && explainRole(client, asked, backends.roles()),
    () => client && explainQuota(client, asked, backends),
    () => client && id && explainGrant(id, client, asked, backends, now),
    () => client && id && explainObject(id, client, offered, backends, now, isGranted()),
  ];
  for (const check of checks) {
    const step = await check();
    if (!step) continue;
    steps.push(step);
    if (!step.isAllowed) break;
  }
  return steps;
}

const day = (date: Date) => date.toISOString().slice(0, 10);

const stepOf =
  (subject: ExplanationStep['subject']) =>
  (isAllowed: boolean, reason: string): ExplanationStep => ({ subject, isAllowed, reason });

function explainClient(name: string, client: Client | undefined, now: Date): ExplanationStep {
  const step = stepOf('client');
  if (client === undefined) return step(false, `no client ${name} is enrolled`);
  if (client.disabled) return step(false, `${name} is disabled`);
  const certificate = new X509Certificate(client.certificate);
  const refusal = refusalOf(certificate, now);
  if (refusal !== undefined) return step(false, `${name}: ${refusal}`);
  const credentials = client.hasCredentials ? ', with a credential besides' : '';
  const until = day(certificate.validToDate);
  return step(true, `${name} of group ${client.group}, by its certificate until ${until}${credentials}`);
}

/** Undefined for a permission beside the operations. */
function explainOperation(asked: string, offered: AnyOperation | undefined): ExplanationStep | undefined {
  if (offered === undefined) return undefined;
  const step = stepOf('operation');
  const { since, until = newestVersion, direction } = offered;
  if (direction === 'server-to-client') return step(false, `${asked} goes from the server to its clients`);
  const condition = asked === 'Interop' ? ', while kmipd runs with --interop' : '';
  return step(true, `${asked} is offered in KMIP ${since} to ${until}${condition}`);
}

function explainRole(
  { role: name }: Client,
  asked: string,
  roles: readonly RoleDescription[],
): ExplanationStep {
  const step = stepOf('role');
  if (alwaysGranted.has(asked)) return step(true, `every role permits ${asked}`);
  const role = roles.find((each) => each.name === name);
  if (role === undefined) return step(false, `the role ${name} is not defined`);
  const by = role.permissions.get(asked);
  if (by === undefined) return step(false, `the role ${name} does not permit ${asked}`);
  const rule = role.rules.get(asked);
  const origin = role.origin === 'built-in' ? 'built in' : `by its entry ${by.join(', ')} (${rule})`;
  const restrictions = role.restrictions && listRestrictions(role.restrictions);
  const restricted = restrictions
    ?.map(([restriction, values]) => `${restriction} ${values.join(', ')}`)
    .join('; ');
  const only = restricted === undefined ? '' : `, restricted to ${restricted}`;
  return step(true, `the role ${name} permits ${asked}, ${origin}${only}${describeApproval(asked, role)}`);
}

function describeApproval(asked: string, { approvals }: RoleDescription): string {
  const name = asked === 'Import' || asked === 'ImportReplace' ? 'Destroy' : asked;
  if (!isApprovable(name) || !approvals.has(name)) return '';
  return `; with the approval of an administrator only: ${approvalTexts[name]} (approval.operations)`;
}

/** Undefined for an operation that makes no objects, and for a group without a quota. */
async function explainQuota(
  { group }: Client,
  asked: string,
  { store, vault }: ExplanationBackends,
): Promise<ExplanationStep | undefined> {
  if (!makesObjects(asked)) return undefined;
  const quota = await new QuotaDirectory(store, vault).find(group);
  if (quota === undefined) return undefined;
  const { objects: limit, used } = quota;
  const replacing = asked === 'Import' ? ', unless it replaces one' : '';
  const reason = `${describeQuota(group, limit)}, of which it has ${used}`;
  return stepOf('quota')(used < limit, used < limit ? reason : `${reason}: it makes no new one${replacing}`);
}

/** Undefined for an object of the group of the client, and for one that has no grants to it. */
async function explainGrant(
  id: string,
  client: Client,
  asked: string,
  { store, vault, latestTime }: ExplanationBackends,
  now: Date,
): Promise<ExplanationStep | undefined> {
  const step = stepOf('grant');
  const seconds = Math.floor(now.getTime() / 1000);
  const unit = new UnitOfWork(store, vault, { uniqueNames: false, now: seconds });
  const record = await unit.record(grantKind, id);
  if (record === undefined || record.group === client.group) return undefined;
  const principal = { ...client, client: client.name };
  const grants = readGrants(record.content).filter((grant) => isGrantOf(grant, principal));
  if (grants.length === 0) return undefined;
  const time = Math.max(seconds, (await latestTime?.()) ?? 0);
  const use = findGrantedUse(id, grants, asked, { principal, time });
  if (use !== undefined) return step(true, `${use.rule} permits ${[...use.operations].join(', ')}`);
  const described = grants.map((grant) => describeEnd(id, grant, time));
  return step(false, `${described.join('; ')}: it does not exist for ${client.name} and ${asked}`);
}

function describeEnd(id: string, grant: Grant, time: number): string {
  const subject = describeGrant(id, grant);
  if (!hasEnded(grant, time)) return `${subject} permits ${grant.operations.join(', ')} only`;
  return `${subject} ended at ${new Date((grant.until ?? 0) * 1000).toISOString()}`;
}

async function explainObject(
  id: string,
  { group, role }: Client,
  offered: AnyOperation | undefined,
  { store, vault, roles }: ExplanationBackends,
  now: Date,
  isGranted: boolean,
): Promise<ExplanationStep> {
  const step = stepOf('object');
  const owner = await store.groupOf(id);
  if (owner === undefined) return step(false, `there is no object ${id}`);
  if (owner !== group && !isGranted)
    return step(false, `${id} is of group ${owner}: it does not exist for ${group}`);
  const seconds = Math.floor(now.getTime() / 1000);
  const unit = new UnitOfWork(store, vault, { uniqueNames: false, now: seconds });
  unit.actFor(owner);
  const object = await unit.load(id);
  if (object === undefined) return step(false, `there is no object ${id}`);
  const restrictions = roles().find(({ name }) => name === role)?.restrictions;
  const description = `${object.type} of group ${owner}, ${object.state(seconds)}`;
  const refusal =
    findRestriction(object, restrictions, offered, seconds) ??
    (offered && findRefusal(object, offered)) ??
    (isGranted ? findRefusalOfGrantee(object, offered) : undefined);
  if (refusal !== undefined) return step(false, `${description}: ${refusal}`);
  return step(true, disclosesValue(offered) ? describeForm(description, object, restrictions) : description);
}

/** Returns how the role restricts the operation on the object so that it is refused. */
function findRestriction(
  object: ManagedObject,
  restrictions: RoleRestrictions | undefined,
  operation: AnyOperation | undefined,
  now: number,
): string | undefined {
  if (restrictions === undefined) return undefined;
  const { states, rules } = restrictions;
  const unreached = findUnreached(object, restrictions);
  if (unreached !== undefined)
    return `the role does not include ${describeUnreached(object, unreached)} (${rules[unreached]}), so it does not exist for the client`;
  if (states === undefined || object.destroyed || states.has(object.state(now))) return undefined;
  if (operation === undefined || !valueOperations.has(operation.name)) return undefined;
  return `the role lets values be used and leave in the states ${[...states].join(', ')} only (${rules.states})`;
}

/** Adds in which form the value of the object leaves. */
function describeForm(
  description: string,
  { attributes }: ManagedObject,
  restrictions: RoleRestrictions | undefined,
): string {
  const { formats, isWrappingRequired = false, rules } = restrictions ?? {};
  const isSensitive = attributes.get('Sensitive') === true;
  const wrapped = isWrappingRequired ? [`wrapped only (${rules?.wrapping})`] : ['wrapped only'];
  const parts = [
    ...(isSensitive || isWrappingRequired ? wrapped : []),
    ...(formats === undefined ? [] : [`as ${[...formats].join(', ')} only (${rules?.formats})`]),
  ];
  const subject = isSensitive ? `${description}, Sensitive` : description;
  return parts.length === 0 ? subject : `${subject}: its value leaves ${parts.join(' and ')}`;
}

/** Why the operation is refused to whoever has the object by a grant alone. */
function findRefusalOfGrantee(
  object: ManagedObject,
  operation: AnyOperation | undefined,
): string | undefined {
  if (object.destroyed) return 'it is destroyed, which ends grants';
  if (operation?.name === 'Encrypt' && usesKeyEncapsulation(object))
    return 'key encapsulation makes an object, and a grant makes none';
  return undefined;
}

const disclosesValue = (operation: AnyOperation | undefined) =>
  operation !== undefined && disclosingOperations.has(operation.name);

function findRefusal(object: ManagedObject, operation: AnyOperation): string | undefined {
  const { name, target } = operation;
  if (target.kind !== 'object') return undefined;
  const { types, archived = false, destroyed = false }: ObjectTarget = target;
  if (types !== undefined && !types.includes(object.type)) return `${name} takes ${types.join(', ')} only`;
  const bars = barsOf(object);
  if (!archived && bars.includes('archived')) return 'it is archived';
  if (!destroyed && bars.includes('destroyed')) return 'it is destroyed';
  return disclosesValue(operation) && bars.includes('notExtractable') ? 'it is not Extractable' : undefined;
}
