import type { RequestItem, ResponseItem } from '../../../codec/envelope.ts';
import type { Version } from '../../../codec/version.ts';
import {
  type AuditActor,
  type AuditEntry,
  type AuditItem,
  type AuditKind,
  type AuditRecorder,
  AuditUnavailableError,
} from '../../audit/audit.ts';
import type { Principal } from '../../identity/principal.ts';
import type { ApprovedAct, JobApproval } from '../../operations/asynchronous/jobs.ts';
import type { Conversation } from '../service.ts';
import { describeTrace, type ItemTrace, type TracedItem } from './item-trace.ts';

/** The head of an entry: who sent a message, how, and in which version. */
export interface AuditedMessage {
  readonly kind: Extract<AuditKind, 'message' | 'job'>;
  readonly principal: Pick<Principal, 'client' | 'group' | 'role' | 'bearer' | 'ruleFor'>;
  /** Absent in a job. */
  readonly conversation?: (Pick<Conversation, 'connection'> & { readonly peer?: string }) | undefined;
  readonly version: Version;
  readonly clientCorrelation?: string | undefined;
  readonly serverCorrelation?: string | undefined;
  /** Asynchronous Correlation Values of the items of a job. */
  readonly correlations?: readonly Uint8Array[];
  /** Of a job that needed one. */
  readonly approval?: JobApproval | undefined;
}

/** The longest correlation value that is recorded: a client may send any text. */
const maxCorrelation = 256;
/** The most objects that one item names, that all of a message name, and that each names in any case. */
const [maxItemObjects, maxMessageObjects, minItemObjects] = [1_024, 16_384, 4];

/** Collects what the items of one message have to do with objects, and builds the entry of the message. */
export class MessageAudit {
  readonly #recorder: Pick<AuditRecorder, 'node' | 'hasNames'>;
  readonly #now: number;
  readonly #traces = new Map<RequestItem, TracedItem>();
  /** How many more objects the items may name. */
  #objectsLeft = maxMessageObjects;

  /** @param now POSIX seconds of the message */
  constructor(recorder: Pick<AuditRecorder, 'node' | 'hasNames'>, now: number) {
    this.#recorder = recorder;
    this.#now = now;
  }

  /** Takes what an item had to do with objects. */
  trace(item: RequestItem, trace: ItemTrace): void {
    const { hasNames } = this.#recorder;
    const operation = typeof item.operation === 'string' ? item.operation : 'unknown';
    const maxObjects = Math.max(Math.min(this.#objectsLeft, maxItemObjects), minItemObjects);
    const traced = describeTrace(operation, trace, { now: this.#now, hasNames, maxObjects });
    this.#objectsLeft -= traced.objects?.length ?? 0;
    this.#traces.set(item, traced);
  }

  /** Takes what an item waits for: the approval of that request, by which it would do this. */
  traceWaiting(item: RequestItem, request: string, acts: readonly ApprovedAct[]): void {
    const ids = new Set(acts.flatMap(({ object }) => object ?? []));
    const objects = [...ids].map((id) => ({ id }));
    this.#traces.set(item, { ...(objects.length > 0 && { objects }), details: { request } });
  }

  /** Builds the entry of a message whose items have these answers, a list for each item that was run. */
  entryOf(
    message: AuditedMessage,
    items: readonly RequestItem[],
    answers: readonly (readonly ResponseItem[])[],
  ): AuditEntry {
    return {
      ...headOf(message, this.#recorder.node),
      items: answers.map((answer, at) => {
        const item = items[at];
        const traced = item && this.#traces.get(item);
        const job = message.correlations?.[at]?.toHex();
        // An answer to Poll is one of the operation that was asked for before.
        const answered = { ...answer[0], ...(item && { operation: item.operation }) };
        const details = detailsOf(message.approval);
        return { ...itemOf(answered, message.principal), ...traced, ...(job && { job }), ...details };
      }),
    };
  }
}

/** Names the request of a client for an approval, and who has approved it. */
function detailsOf(approval: JobApproval | undefined): Pick<AuditItem, 'details'> {
  if (approval === undefined) return {};
  const { request, approvedBy } = approval;
  return { details: { request, ...(approvedBy !== undefined && { approvedBy }) } };
}

/** Builds the entry of a message that was refused as a whole, with the answers to what was read of it. */
export function entryOfRefusal(
  message: AuditedMessage,
  node: string,
  answers: readonly Pick<ResponseItem, 'operation' | 'status' | 'reason'>[],
): AuditEntry {
  const items = answers.map((answer) => itemOf(answer, message.principal));
  return { ...headOf(message, node), items };
}

function headOf(message: AuditedMessage, node: string): Omit<AuditEntry, 'items'> {
  const { kind, principal, conversation, version } = message;
  const { clientCorrelation: ofClient, serverCorrelation: ofServer } = message;
  return {
    time: Date.now(),
    kind,
    node,
    actor: actorOf(principal),
    ...(conversation && { connection: { ...withPeer(conversation.peer), id: conversation.connection } }),
    version,
    ...(ofClient !== undefined && { clientCorrelation: ofClient.slice(0, maxCorrelation) }),
    ...(ofServer !== undefined && { serverCorrelation: ofServer.slice(0, maxCorrelation) }),
  };
}

const withPeer = (peer: string | undefined) => (peer === undefined ? {} : { peer });

function actorOf({ client, group, role, bearer }: AuditedMessage['principal']): AuditActor {
  return {
    client,
    group,
    ...(role !== undefined && { role }),
    ...(bearer !== undefined && { bearer }),
  };
}

function itemOf(
  { operation, status, reason, asynchronousCorrelationValue: job }: Partial<ResponseItem>,
  principal: Pick<Principal, 'ruleFor'>,
): AuditItem {
  const name = typeof operation === 'string' ? operation : 'unknown';
  const rule = principal.ruleFor?.(name);
  return {
    operation: name,
    result: String(status),
    ...(reason !== undefined && { reason: String(reason) }),
    ...(rule !== undefined && { rule }),
    ...(job !== undefined && { job: job.toHex() }),
  };
}

/**
 * Records a request that the server is about to send to a client with what has become of an object.
 * @throws {AuditUnavailableError} when it must not be sent, because it could not be recorded
 */
export async function recordServerRequest(
  recorder: AuditRecorder | undefined,
  operation: 'Put' | 'Notify',
  { id, type }: { readonly id: string; readonly type: string },
  message: AuditedMessage,
): Promise<void> {
  if (recorder === undefined) return;
  if (recorder.refusal !== undefined) throw new AuditUnavailableError(recorder.refusal);
  const released = operation === 'Put' ? { wrapped: false } : {};
  const item = { operation, objects: [{ id, type }], ...released, result: 'Success' };
  await recorder.append({ ...headOf(message, recorder.node), items: [item] });
}
