import type { AuditEntry, AuditItem } from '../audit/audit.ts';
import type { CallOutcome, ObservedMethod, ObservedParams } from './call-observer.ts';
import type { Caller } from './caller.ts';

/** How calls of the management service are recorded in the audit log. */

/** Values of parameters that are recorded, and characters of each. */
const maxDetails = 16;
const maxCharacters = 256;

/** Methods that are called again and again for one act: the first and the last call are recorded. */
const pagedMethods: ReadonlySet<ObservedMethod> = new Set<ObservedMethod>([
  'object.purge',
  'vault.rewrap',
  'tokenKey.objects',
]);

/** Returns the entry of a call; undefined for one that tells nothing new. */
export function entryOfCall(
  node: string,
  caller: Caller,
  method: ObservedMethod,
  params: ObservedParams,
  outcome: CallOutcome,
): AuditEntry | undefined {
  if (isRepetition(method, params, outcome)) return undefined;
  const { name, role, proof, approvedBy, connection } = caller;
  const object = objectOf(method, params);
  const details = {
    proof,
    ...(approvedBy !== undefined && { approvedBy }),
    ...flatten(params),
    ...(outcome.kind === 'pending' && { request: outcome.request }),
  };
  return {
    ...{ time: Date.now(), kind: 'management', node },
    actor: { role, ...(name !== undefined && { administrator: name }) },
    connection: { id: `management ${connection}` },
    items: [
      {
        operation: method,
        ...(object !== undefined && { objects: [{ id: object }] }),
        ...resultOf(outcome),
        details,
      },
    ],
  };
}

/** Returns the identifier of the object that a call is about. */
function objectOf(method: ObservedMethod, params: ObservedParams): string | undefined {
  if (method.startsWith('object.') && 'id' in params) return params.id;
  return method.startsWith('grant.') && 'object' in params ? params.object : undefined;
}

function isRepetition(method: ObservedMethod, params: ObservedParams, outcome: CallOutcome): boolean {
  if (outcome.kind !== 'done' && outcome.kind !== 'begun') return false;
  // `audit show` reads the log page by page, and goes on with what is new: it would show itself for ever.
  if (method === 'audit.list') {
    const { from } = params as { readonly from: number };
    return from !== 0 && from !== Number.MAX_SAFE_INTEGER;
  }
  if (!pagedMethods.has(method)) return false;
  const isFirst = (params as { readonly after?: number }).after === 0;
  const isLast =
    outcome.kind === 'done' && (outcome.result as { readonly next?: unknown } | null)?.next === null;
  return !isFirst && !isLast;
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
