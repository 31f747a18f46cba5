import type { RequestItem } from '../../../codec/envelope.ts';
import { plan } from '../../../codec/plan.ts';
import { tagNumber } from '../../../codec/tags.ts';
import { eraOf, isWithin, type Version } from '../../../codec/version.ts';
import { encodeMessage } from '../../../codec/wire/binary-writer.ts';
import { isApprovable } from '../../common/client-approvals.ts';
import { fail, MissingPermissionError } from '../../common/errors.ts';
import { EventLoopYield } from '../../common/event-loop-yield.ts';
import { disclosingOperations } from '../../operations/asynchronous/held-objects.ts';
import type { Context, OperationName } from '../../operations/context.ts';
import { loadNamedObject } from '../../operations/named-objects.ts';
import type { AnyOperation, OperationTarget } from '../../operations/operation.ts';
import { requireTokenKeyRule } from '../../operations/token-key-rules.ts';
import { type AuthenticatedRequest, requireAuthenticated } from '../authentication/authentication.ts';
import { restrictViews } from '../authentication/restricted-views.ts';
import { openTicketUses } from '../authentication/ticket-use.ts';
import { sealedVaultRefusal } from '../sealed-vault.ts';
import type { BatchIdentifiers } from './identifiers.ts';
import type { GrantedItem, ItemContext } from './item-context.ts';
import { asSent, type BatchResults, type ResolvedRequests, resolveReferences } from './references.ts';
import { answerBytes, type EncodedAnswers, responseTooLarge } from './response-size.ts';

const responsePayload = tagNumber('ResponsePayload');

/** The part of a batch's environment that the execution of an item needs. */
export interface Execution extends BatchResults {
  readonly operations: ReadonlyMap<unknown, AnyOperation>;
  readonly unsealed: boolean;
  readonly refusal: AuthenticatedRequest['refusal'] | undefined;
  readonly encodedAnswers: EncodedAnswers;
}

/** The answers to one item: one, or one for each repetition. */
interface ItemResult {
  readonly operation: OperationName;
  readonly answers: readonly Answer[];
  /** The answers as encoded ResponsePayloads. */
  readonly payloads: readonly Uint8Array[];
}

/** How the execution of one item ends early, and how its progress is followed. */
interface ItemExecution {
  /** TTLV bytes that the response has for the answers to the item. */
  readonly available: number;
  /** Is called after each answer of the handler. */
  answered(): void;
  /** Is told each request payload before its handler is called. */
  requested(request: Readonly<Record<string, unknown>>): void;
  /**
   * Returns the use of an object that the group of the client does not have; undefined when no grant permits
   * the client the operation with it.
   */
  findGranted(id: string, operation: AnyOperation, context: ItemContext): Promise<GrantedItem | undefined>;
  /** Refuses when the quota of the group has no place for an object. */
  requirePlace(): Promise<void>;
}

/**
 * Executes one batch item and returns its answers, one for each repetition where the item refers to several
 * objects of earlier answers; all repetitions fail or succeed together. The order of the checks is fixed:
 * credentials, version, permission, existence, type, archived or destroyed, whether a value is needed that
 * is in a token, a place by the quota for what only makes objects, then state and fields, which the handler
 * checks. The caller keeps or drops the changes in
 * the item's layer. No repetition runs once the response has no space for all of them.
 * @throws {KmipError} when the item is refused.
 * @throws {WireError} when the payload cannot be read.
 */
export async function execute(
  item: RequestItem,
  unrestricted: ItemContext,
  execution: Execution,
  { available, answered, requested, findGranted, requirePlace }: ItemExecution,
): Promise<ItemResult> {
  const { operation, context, checkResult } = requirePermission(item, unrestricted, execution);
  if (operation.target.kind !== 'server' && !execution.unsealed) throw sealedVaultRefusal();
  const { write } = plan(operation.response, context.version);
  const requests = resolveRequests(item, operation, context.version, execution);
  let left = available - answerBytes(item, 0, requests.count);
  if (left < 0) throw responseTooLarge();
  execution.encodedAnswers.requireSpace();
  unrestricted.countUsesOn(await openTicketUses(operation.name, unrestricted));
  const answers: Answer[] = [];
  const payloads: Uint8Array[] = [];
  const lookup = { identifiers: execution.identifiers, findGranted, requirePlace };
  const eventLoop = new EventLoopYield();
  for (const payload of requests.readers()) {
    const request = plan(operation.request, context.version).read(payload) as Record<string, unknown>;
    requested(request);
    const answer = await callHandler(operation, request, context, lookup);
    checkResult();
    answered();
    const visible = item.ephemeral ? execution.outputs.withhold(operation.name, answer) : answer;
    const encoded = encodeMessage((writer) => write(writer, responsePayload, visible as never));
    execution.encodedAnswers.count(encoded.length);
    left -= encoded.length;
    if (left < 0) throw responseTooLarge();
    answers.push(answer);
    payloads.push(encoded);
    if (eventLoop.isDue) await eventLoop.yield();
  }
  return { operation: operation.name, answers, payloads };
}

/**
 * Makes the identifiers and the Data of an item that was kept known to the references of later items. An item
 * that failed after its handler had answered gives later items nothing.
 */
export function recordResults(
  { operation, answers }: ItemResult,
  version: Version,
  results: BatchResults,
): void {
  if (!mayRefer(version)) return;
  results.identifiers.record(operation, answers);
  for (const answer of answers) results.outputs.record(operation, answer);
}

/**
 * Returns the item's operation, the context restricted to what role and Rights of the sender reach, and the
 * check that has to follow the handler. The payload has not been read then.
 * @throws {KmipError} when credentials, version, role or Rights forbid the operation.
 */
export function requirePermission(
  item: RequestItem,
  context: ItemContext,
  { operations, refusal }: Pick<Execution, 'operations' | 'refusal'>,
): { readonly operation: AnyOperation; readonly context: ItemContext; checkResult(): void } {
  requireAuthenticated(refusal, item.operation);
  const operation = requireOffered(operations.get(item.operation), context);
  const { principal } = context;
  if (!principal.may(operation.name)) throw new MissingPermissionError(principal.client, operation.name);
  const views = restrictViews(context, principal, operation, operations);
  if (views === undefined) return { operation, context, checkResult() {} };
  return { operation, context: context.withViews(views), checkResult: () => views.checkResult() };
}

/**
 * Returns the repetitions of an item. The item's own reader stays as it is for the next attempt after a
 * conflict.
 */
function resolveRequests(
  { payload }: RequestItem,
  operation: AnyOperation,
  version: Version,
  results: BatchResults,
): ResolvedRequests {
  return mayRefer(version) ? resolveReferences(payload, operation, results) : asSent(payload);
}

/** Whether requests of the version may refer to earlier answers. */
function mayRefer(version: Version): boolean {
  return eraOf(version) !== '1.x';
}

function requireOffered(operation: AnyOperation | undefined, { version, server }: Context): AnyOperation {
  if (operation === undefined || !isWithin(version, operation.since, operation.until)) {
    fail('OperationNotSupported', `this operation is not offered in KMIP ${version}`);
  }
  if (operation.direction === 'server-to-client')
    fail('OperationNotSupported', `${operation.name} goes from the server to its clients`);
  if (operation.name === 'Interop' && !server.interop)
    fail('OperationNotSupported', 'Interop is for conformance tests only');
  return operation;
}

type Answer = Readonly<Record<string, unknown>>;

async function callHandler(
  operation: AnyOperation,
  request: Record<string, unknown>,
  context: ItemContext,
  {
    identifiers,
    findGranted,
    requirePlace,
  }: Pick<ItemExecution, 'findGranted' | 'requirePlace'> & { readonly identifiers: BatchIdentifiers },
): Promise<Answer> {
  const target: OperationTarget = operation.target;
  const handle = operation.handle as (request: unknown, context: Context) => Promise<Answer> | Answer;
  switch (target.kind) {
    case 'object': {
      const named = request[target.identifiedBy ?? 'UniqueIdentifier'] as string | undefined;
      const id = identifiers.resolve(named);
      const granted = await findGranted(id, operation, context);
      const object = await loadNamedObject(id, target, granted?.target ?? context);
      const within = granted === undefined ? context : context.withGrant(granted);
      requireTokenKeyRule(operation.name, object);
      const answer = await handle(request, within.withObject(object));
      // Of Get and Export it depends on the form in which the value leaves.
      if (isApprovable(operation.name) && !disclosingOperations.has(operation.name))
        context.approvals.require(operation.name, object);
      context.setPlaceholder(identifierOf(answer) ?? object.id);
      return answer;
    }
    case 'creation': {
      // Import may replace an object. All others make one, which may take long, or a key in the token.
      if (operation.name !== 'Import') await requirePlace();
      const answer = await handle(request, context);
      context.setPlaceholder(identifierOf(answer));
      return answer;
    }
    default:
      return handle(request, context);
  }
}

/** The identifier for the ID Placeholder: of several, as Create Split Key answers with, the first. */
function identifierOf(answer: Answer): string | undefined {
  const id = answer.UniqueIdentifier ?? answer.PrivateKeyUniqueIdentifier;
  return (Array.isArray(id) ? id[0] : id) as string | undefined;
}
