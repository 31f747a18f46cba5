import { Operation, ResultReason, ResultStatus } from '../../../codec/enums.ts';
import { decodeRequest, type RequestMessage } from '../../../codec/envelope.ts';
import { plan } from '../../../codec/plan.ts';
import { tagNumber } from '../../../codec/tags.ts';
import type { Version } from '../../../codec/version.ts';
import { BinaryReader } from '../../../codec/wire/binary-reader.ts';
import { BinaryWriter } from '../../../codec/wire/binary-writer.ts';
import { type Node, readNode } from '../../../codec/wire/node.ts';
import { defaultLimits } from '../../../src/common/limits.ts';
import { operations } from '../../../src/operations/index.ts';
import {
  bytes,
  children,
  decode,
  encode,
  enumerated,
  find,
  item,
  requestMessage,
  structure,
  valueOf,
} from '../../client.ts';
import type { PlainRequest } from './draw.ts';
import type { Step } from './steps.ts';

/** One answer, with its payload as the handler gave it. */
export interface PlainAnswer {
  readonly operation: string;
  readonly status: string;
  readonly reason: string | undefined;
  readonly message: string | undefined;
  readonly correlationValue: Uint8Array | undefined;
  /** Undefined where the answer has none. */
  readonly payloadNode: Node | undefined;
}

/** Returns the request message of a step. */
export function encodeStep(
  step: Step,
  version: Version,
  requests: readonly PlainRequest[],
  ticket: Uint8Array | undefined,
): Uint8Array {
  const items = requests.map(({ operation, request }) => {
    const definition = operations.get(operation);
    if (definition === undefined) throw new Error(`there is no operation ${operation}`);
    const writer = new BinaryWriter();
    plan(definition.request, version).write(writer, tagNumber('RequestPayload'), request as never);
    return { operation, payload: readNode(new BinaryReader(writer.finish())) };
  });
  return encode(requestMessage(version, items, headerOf(step, version, ticket)));
}

const options = { Continue: 1, Stop: 2, Undo: 3 } as const;

function headerOf(step: Step, version: Version, ticket: Uint8Array | undefined): Node[] {
  const isNew = version === '2.0' || version === '2.1';
  return [
    ...(step.size === 0 ? [] : [item('MaximumResponseSize', 'Integer', step.size)]),
    ...(step.isJob && isNew ? [enumerated('AsynchronousIndicator', 1)] : []),
    ...(ticket === undefined ? [] : [credential(ticket)]),
    ...(step.option === 'Stop' ? [] : [enumerated('BatchErrorContinuationOption', options[step.option])]),
  ];
}

function credential(ticket: Uint8Array): Node {
  return structure(
    'Authentication',
    structure(
      'Credential',
      enumerated('CredentialType', 6),
      structure(
        'CredentialValue',
        structure('Ticket', enumerated('TicketType', 1), bytes('TicketValue', ticket)),
      ),
    ),
  );
}

/** Returns the answers of a response message. */
export function answersIn(response: Uint8Array): readonly PlainAnswer[] {
  return children(decode(response), 'BatchItem').map((each) => {
    const reason = valueOf(each, 'ResultReason') as number | undefined;
    return {
      operation: String(Operation.fromNumber((valueOf(each, 'Operation') as number | undefined) ?? 0)),
      status: String(ResultStatus.fromNumber(valueOf(each, 'ResultStatus') as number)),
      reason: reason === undefined ? undefined : String(ResultReason.fromNumber(reason)),
      message: valueOf(each, 'ResultMessage') as string | undefined,
      correlationValue: valueOf(each, 'AsynchronousCorrelationValue') as Uint8Array | undefined,
      payloadNode: find(each, 'ResponsePayload'),
    };
  });
}

/** Reads the payload of an answer to an operation in a version; undefined where there is nothing in it. */
export function payloadOf(
  { payloadNode }: PlainAnswer,
  operation: string,
  version: Version,
): Readonly<Record<string, unknown>> | undefined {
  if (payloadNode?.type !== 'Structure' || payloadNode.value.length === 0) return undefined;
  const definition = operations.get(operation);
  if (definition === undefined) return undefined;
  const reader = new BinaryReader(encode(payloadNode));
  return plan(definition.response, version).read(reader) as Readonly<Record<string, unknown>>;
}

/** Reads a message back, for the description of a finding. */
export function readBack(message: Uint8Array): RequestMessage {
  return decodeRequest(message, defaultLimits);
}
