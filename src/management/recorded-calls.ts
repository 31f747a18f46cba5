import type { AuditActor, AuditEntry, AuditItem } from '../audit/audit.ts';
import type { PurgedPage } from '../protocol/purge.ts';
import type { ApprovalSummary, RequestingClient } from './approval-api.ts';
import {
  type CallObserver,
  type CallOutcome,
  type LoginSubject,
  loginMethod,
  type ObservedMethod,
  type ObservedParams,
} from './call-observer.ts';
import type { Caller } from './caller.ts';
import { isChange } from './changing-methods.ts';

/** How calls of the management service are recorded in the audit log. */

/** Values of parameters that are recorded, and characters of each. */
const maxDetails = 16;
const maxCharacters = 256;
/** Objects of one call. */
const maxObjects = 1_024;
/** As the names that administrators may have. */
const maxName = 64;

/**
 * Reads that commands repeat: page by page, or until something has happened. `audit show --follow` would show
 * its own entries for ever.
 */
const repeatedMethods: ReadonlySet<ObservedMethod> = new Set<ObservedMethod>([
  ...(['audit.list', 'tokenKey.objects', 'object.purge', 'vault.rewrap'] as const),
  ...(['approval.outcome', 'vault.status', 'node.list', 'object.restorable'] as const),
]);
/** Parameters that say which page is read. */
const pageParams: ReadonlySet<string> = new Set(['from', 'after', 'isBackward']);
/** Reads that are remembered. */
const maxRemembered = 1_024;

/**
 * Records calls: all of them, but of reads that a session repeats only the first one that was answered, with
 * the same parameters but for the page. What may change something is recorded each time.
 */
export class CallRecorder {
  readonly #node: string;
  readonly #append: (entry: AuditEntry) => Promise<void>;
  /** Reads that were recorded, the one that was repeated last at the end. */
  readonly #reads = new Set<string>();

  /**
   * @param node name of this node
   * @param append resolves once the entry cannot be lost, and rejects when it was not recorded
   */
  constructor(node: string, append: (entry: AuditEntry) => Promise<void>) {
    this.#node = node;
    this.#append = append;
  }

  /** Records a call, unless it is such a repetition; rejects as `append` does. */
  async record(...[caller, method, params, outcome]: Parameters<CallObserver>): Promise<void> {
    const isRepeatable = outcome.kind === 'done' && repeatedMethods.has(method) && !isChange(method, params);
    const read = isRepeatable ? nameRead(caller, method, params) : undefined;
    const isRepetition = read !== undefined && this.#reads.has(read);
    if (!isRepetition) await this.#append(entryOfCall(this.#node, caller, method, params, outcome));
    // Not before: a read that could not be recorded would be answered the next time, without an entry.
    if (read !== undefined) this.#remember(read);
  }

  /** What is forgotten is recorded once more. */
  #remember(read: string): void {
    this.#reads.delete(read);
    this.#reads.add(read);
    if (this.#reads.size <= maxRemembered) return;
    for (const oldest of this.#reads) return void this.#reads.delete(oldest);
  }
}

/** Returns a text that is the same for the reads of one session that differ in their page only. */
function nameRead({ connection }: Caller, method: ObservedMethod, params: ObservedParams): string {
  const others = Object.entries(params).filter(([name]) => !pageParams.has(name));
  return JSON.stringify([connection, method, others]);
}

function entryOfCall(
  node: string,
  caller: Caller,
  method: ObservedMethod,
  params: ObservedParams,
  outcome: CallOutcome,
): AuditEntry {
  const { proof, approvedBy, request, connection } = caller;
  const details = {
    proof,
    ...(approvedBy !== undefined && { approvedBy }),
    ...(request !== undefined && { request }),
    ...flatten(params),
    ...(outcome.kind === 'pending' && { request: outcome.request }),
    ...describeClientRequest(method, outcome),
  };
  return {
    ...{ time: Date.now(), kind: 'management', node },
    actor: actorOf(caller, method, params, outcome),
    connection: { id: `management ${connection}` },
    items: [{ operation: method, ...objectsOf(method, params, outcome), ...resultOf(outcome), details }],
  };
}

/** Of a login: the administrator that it was for, and the role that it has given. */
function actorOf(
  { name, role }: Caller,
  method: ObservedMethod,
  params: ObservedParams,
  outcome: CallOutcome,
): AuditActor {
  if (method !== loginMethod) return { role, ...(name !== undefined && { administrator: name }) };
  const administrator = (params as LoginSubject).name.slice(0, maxName).replace(/[^ -~]/g, '?');
  const given = outcome.kind === 'done' && (outcome.result as { readonly role: string });
  return { administrator, ...(given && { role: given.role }) };
}

/** Returns the object that a call was about, or those that it has purged. */
function objectsOf(
  method: ObservedMethod,
  params: ObservedParams,
  outcome: CallOutcome,
): Pick<AuditItem, 'objects' | 'more'> {
  const asked = clientRequestOf(method, outcome);
  if (asked !== undefined) return listObjects(asked.objects);
  if (method.startsWith('object.') && 'id' in params) return { objects: [{ id: params.id }] };
  if (method.startsWith('grant.') && 'object' in params && params.object !== undefined)
    return { objects: [{ id: params.object }] };
  if (method !== 'object.purge' || outcome.kind !== 'done') return {};
  return listObjects((outcome.result as PurgedPage).ids);
}

function listObjects(ids: readonly string[]): Pick<AuditItem, 'objects' | 'more'> {
  const more = ids.length - maxObjects;
  return {
    ...(ids.length > 0 && { objects: ids.slice(0, maxObjects).map((id) => ({ id })) }),
    ...(more > 0 && { more }),
  };
}

/** A request of a client that an administrator has approved or rejected. */
interface ClientRequest extends Pick<ApprovalSummary, 'requester' | 'method'> {
  readonly client: RequestingClient;
  /** Unique Identifiers. */
  readonly objects: readonly string[];
}

function clientRequestOf(method: ObservedMethod, outcome: CallOutcome): ClientRequest | undefined {
  if (method !== 'approval.approve' && method !== 'approval.reject') return undefined;
  if (outcome.kind !== 'done') return undefined;
  const { request } = outcome.result as { readonly request: ApprovalSummary };
  const { client, requester, method: operations } = request;
  if (client === undefined) return undefined;
  const { objects } = request.params as { readonly objects: Readonly<Record<string, (string | null)[]>> };
  const ids = Object.values(objects).flat();
  return { client, requester, method: operations, objects: [...new Set(ids.filter((id) => id !== null))] };
}

function describeClientRequest(method: ObservedMethod, outcome: CallOutcome): AuditItem['details'] {
  const asked = clientRequestOf(method, outcome);
  if (asked === undefined) return {};
  const { client, requester, method: operations } = asked;
  return { client: requester, group: client.group, operations };
}

function resultOf(outcome: CallOutcome): Pick<AuditItem, 'result' | 'reason'> {
  switch (outcome.kind) {
    case 'begun':
      return { result: 'Begun' };
    case 'done':
      return { result: 'Success' };
    case 'pending':
      return { result: 'OperationPending' };
    case 'refused':
      return { result: 'OperationFailed', reason: outcome.reason ?? outcome.message };
    case 'failed':
      return { result: 'OperationFailed', reason: codeOf(outcome.error) };
  }
}

/** The text of an error is for the log of the daemon. */
function codeOf(error: unknown): string {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'string' ? code : 'INTERNAL';
}

/** Returns the plain values among parameters, those inside others by dotted names, lists of texts as one. */
function flatten(params: object, prefix = ''): NonNullable<AuditItem['details']> {
  const details: Record<string, string | number | boolean> = {};
  for (const [key, value] of Object.entries(params)) {
    if (Object.keys(details).length >= maxDetails) break;
    const name = `${prefix}${key}`;
    if (typeof value === 'string') details[name] = value.slice(0, maxCharacters);
    else if (typeof value === 'number' || typeof value === 'boolean') details[name] = value;
    else if (Array.isArray(value) && value.every((each) => typeof each === 'string'))
      details[name] = value.join(',').slice(0, maxCharacters);
    else if (typeof value === 'object' && value !== null && !Array.isArray(value))
      Object.assign(details, flatten(value, `${name}.`));
  }
  return details;
}
