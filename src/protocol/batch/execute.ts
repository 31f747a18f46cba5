import type { RequestItem } from '../../../codec/envelope.ts';
import { plan } from '../../../codec/plan.ts';
import { tagNumber } from '../../../codec/tags.ts';
import { eraOf, isWithin, type Version } from '../../../codec/version.ts';
import type { BinaryReader } from '../../../codec/wire/binary-reader.ts';
import { encodeMessage } from '../../../codec/wire/binary-writer.ts';
import { fail } from '../../common/errors.ts';
import type { Context } from '../../operations/context.ts';
import { loadNamedObject } from '../../operations/named-objects.ts';
import type { AnyOperation, OperationTarget } from '../../operations/operation.ts';
import { type AuthenticatedRequest, requireAuthenticated } from '../authentication/authentication.ts';
import { restrictToRights } from '../authentication/rights.ts';
import { countTicketUse } from '../authentication/ticket-use.ts';
import { EventLoopYield } from './event-loop-yield.ts';
import type { BatchIdentifiers } from './identifiers.ts';
import { withholdOutput } from './payload-withholding.ts';
import { type Answered, resolveReferences } from './references.ts';

const responsePayload = tagNumber('ResponsePayload');

/** What one batch needs to run an item. */
export interface Execution extends Answered {
  readonly operations: ReadonlyMap<unknown, AnyOperation>;
  readonly unsealed: boolean;
  readonly refusal: AuthenticatedRequest['refusal'] | undefined;
}

/**
 * Runs one batch item and returns its encoded ResponsePayload, one for each repetition where it refers to several
 * objects of earlier answers; they share the item's fate. Checks come in one fixed order (DESIGN §5): credentials →
 * version → permission → existence → type → archived or destroyed → state and fields, which are the handler's. Throws
 * KmipError or WireError; whatever the item did to its layer is the caller's to keep or drop.
 */
export async function execute(
  item: RequestItem,
  whole: Context,
  execution: Execution,
): Promise<readonly Uint8Array[]> {
  const { operation, context } = permitted(item, whole, execution);
  if (operation.target.kind !== 'server' && !execution.unsealed) {
    fail('GeneralFailure', 'the vault is sealed: an operator has to make the root key available');
  }
  const { identifiers, outputs } = execution;
  const answers: Answer[] = [];
  const pauses = new EventLoopYield();
  for (const payload of requests(item, operation, context, execution)) {
    const request = plan(operation.request, context.version).read(payload) as Record<string, unknown>;
    answers.push(await run(operation, request, context, identifiers));
    if (pauses.isDue) await pauses.take();
  }
  if (mayRefer(context.version)) {
    identifiers.record(operation.name, answers);
    for (const answer of answers) outputs.record(operation.name, answer);
  }
  const { write } = plan(operation.response, context.version);
  return answers.map((answer) => {
    const shown = item.ephemeral ? withholdOutput(operation.name, answer) : answer;
    return encodeMessage((writer) => write(writer, responsePayload, shown as never));
  });
}

/**
 * The item's operation and the context as far as the speaker's Rights go. Refuses it by credentials, version and
 * permission, before anything of its payload is read.
 */
export function permitted(
  item: RequestItem,
  whole: Context,
  { operations, refusal }: Pick<Execution, 'operations' | 'refusal'>,
): { readonly operation: AnyOperation; readonly context: Context } {
  requireAuthenticated(refusal, item.operation);
  const operation = offered(operations.get(item.operation), whole);
  if (!whole.principal.may(operation.name))
    fail('PermissionDenied', `the role of ${whole.principal.client} does not include ${operation.name}`);
  return { operation, context: restrictToRights(whole, operation.name) };
}

/** Readers of their own: the message is played again when others change what it read. */
function requests(
  { payload }: RequestItem,
  operation: AnyOperation,
  { version, limits }: Context,
  answered: Answered,
): readonly BinaryReader[] {
  return mayRefer(version)
    ? resolveReferences(payload, operation, answered, limits.batchItems)
    : [payload.fork()];
}

/** Whether requests of the version may refer to earlier answers. */
function mayRefer(version: Version): boolean {
  return eraOf(version) !== '1.x';
}

function offered(operation: AnyOperation | undefined, { version, server }: Context): AnyOperation {
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

async function run(
  operation: AnyOperation,
  request: Record<string, unknown>,
  context: Context,
  identifiers: BatchIdentifiers,
): Promise<Answer> {
  const stance: OperationTarget = operation.target;
  const handle = operation.handle as (request: unknown, context: Context) => Promise<Answer> | Answer;
  switch (stance.kind) {
    case 'object': {
      const named = request[stance.identifiedBy ?? 'UniqueIdentifier'] as string | undefined;
      const object = await loadNamedObject(identifiers.resolve(named), stance, context);
      await countTicketUse(operation.name, object, request, context);
      const answer = await handle(request, { ...context, object } as Context);
      context.setPlaceholder(identifierOf(answer) ?? object.id);
      return answer;
    }
    case 'creation': {
      const answer = await handle(request, context);
      context.setPlaceholder(identifierOf(answer));
      return answer;
    }
    default:
      return handle(request, context);
  }
}

/** Create Split Key answers with several, of which the first counts. */
function identifierOf(answer: Answer): string | undefined {
  const id = answer.UniqueIdentifier ?? answer.PrivateKeyUniqueIdentifier;
  return (Array.isArray(id) ? id[0] : id) as string | undefined;
}
