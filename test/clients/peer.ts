import type { Test } from 'tap';
import { Operation, ResultReason } from '../../codec/enums.ts';
import { tagName } from '../../codec/tags.ts';
import { type Version, versionNumbers } from '../../codec/version.ts';
import type { Node } from '../../codec/wire/node.ts';
import {
  type Client,
  type ConnectOptions,
  children,
  connect,
  decode,
  encode,
  find,
  type RequestItem,
  requestMessage,
  valueOf,
} from '../client.ts';
import { Daemon } from '../fixture/daemon.ts';
import { outline } from './notation.ts';

/** A batch item of an answer. */
export interface Answer {
  readonly status: 'Success' | 'OperationFailed' | 'OperationUndone';
  /** Name of the Result Reason in the version of the answer. */
  readonly reason: string | undefined;
  readonly message: string | undefined;
  readonly payload: readonly Node[];
  /** Text of the Unique Identifier; empty when there is none. */
  readonly id: string;
  readonly node: Node;
}

const statuses = { 0: 'Success', 1: 'OperationFailed', 3: 'OperationUndone' } as const;

/**
 * The fields of each payload, in the order in which PyKMIP, kmippp and kmip-go require them, without others.
 */
const shapes: Readonly<Record<string, RegExp>> = {
  Create: /^ObjectType UniqueIdentifier$/,
  CreateKeyPair: /^PrivateKeyUniqueIdentifier PublicKeyUniqueIdentifier$/,
  Register: /^UniqueIdentifier$/,
  ReKey: /^UniqueIdentifier$/,
  Get: /^ObjectType UniqueIdentifier (SymmetricKey|PublicKey|PrivateKey|SecretData|Certificate|OpaqueObject)$/,
  GetAttributes: /^UniqueIdentifier( Attribute)*$/,
  GetAttributeList: /^UniqueIdentifier( AttributeName)+$/,
  AddAttribute: /^UniqueIdentifier Attribute$/,
  ModifyAttribute: /^UniqueIdentifier Attribute$/,
  DeleteAttribute: /^UniqueIdentifier Attribute$/,
  Activate: /^UniqueIdentifier$/,
  Revoke: /^UniqueIdentifier$/,
  Destroy: /^UniqueIdentifier$/,
  Locate: /^((LocatedItems )?UniqueIdentifier( UniqueIdentifier)*|LocatedItems|)$/,
  DiscoverVersions: /^ProtocolVersion( ProtocolVersion)*$/,
};

/**
 * A connection that checks each answer by the rules on which all clients rely: fields and version of the
 * header, a time
 * stamp, the count, the fields of each item in their order, Unique Batch Item IDs, reason and
 * message of a
 * failure, and no further fields. @throws {Error} when an answer breaks a rule.
 */
export class Peer {
  readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }

  /** Connects as the client demo of the daemon; the connection is closed when the test ends. */
  static async connect(
    t: Pick<Test, 'teardown'>,
    daemon: Daemon,
    options: Partial<ConnectOptions> = {},
  ): Promise<Peer> {
    const client = await connect({ port: daemon.port, home: daemon.home, ...options });
    t.teardown(() => client.close());
    return new Peer(client);
  }

  /** Sends a batch and returns the answer's items. */
  async batch(version: Version, header: readonly Node[], items: readonly RequestItem[]): Promise<Answer[]> {
    const response = await this.client.send(encode(requestMessage(version, items, header)));
    return this.check(version, items, decode(response));
  }

  /** Sends one item, which must succeed. */
  async ask(
    version: Version,
    operation: string,
    payload: readonly Node[] = [],
    { header = [], id }: { header?: readonly Node[]; id?: Uint8Array } = {},
  ): Promise<Answer> {
    const uniqueBatchItemID = id === undefined ? {} : { uniqueBatchItemID: id };
    const [answer] = await this.batch(version, header, [{ operation, payload, ...uniqueBatchItemID }]);
    if (answer?.status !== 'Success') {
      throw new Error(`${operation} was refused: ${answer?.reason}, ${answer?.message}`);
    }
    return answer;
  }

  /** Sends one item, which must be refused, and returns the name of the reason. */
  async refused(
    version: Version,
    operation: string,
    payload: readonly Node[] = [],
    header: readonly Node[] = [],
  ): Promise<string> {
    const [answer] = await this.batch(version, header, [{ operation, payload }]);
    equal(answer?.status, 'OperationFailed', `status of ${operation}`);
    return answer?.reason ?? 'nothing';
  }

  /** Checks an answer to requests that were sent by any means, and returns its items. */
  check(version: Version, requests: readonly RequestItem[], response: Node): Answer[] {
    const [header, ...items] = response.value as Node[];
    const { major, minor } = versionNumbers(version);
    const fields = 'ProtocolVersion{ProtocolVersionMajor ProtocolVersionMinor} TimeStamp BatchCount';
    equal(outline(header?.value as Node[]), fields, 'the header');
    const found = find(header as Node, 'ProtocolVersion') as Node;
    equal(valueOf(found, 'ProtocolVersionMajor'), major, 'the version');
    equal(valueOf(found, 'ProtocolVersionMinor'), minor, 'the version');
    const stamped = valueOf(header as Node, 'TimeStamp') as number;
    equal(Math.abs(stamped - Date.now() / 1000) < 60, true, 'that the time stamp is now');
    equal(valueOf(header as Node, 'BatchCount'), items.length, 'Batch Count');
    return items.map((node, at) => this.#item(requests[at] as RequestItem, node));
  }

  #item(request: RequestItem, node: Node): Answer {
    const operation = Operation.toNumber(request.operation as Operation);
    const sent = request.uniqueBatchItemID;
    const status = statuses[valueOf(node, 'ResultStatus') as keyof typeof statuses];
    const names = ['Operation', ...(sent === undefined ? [] : ['UniqueBatchItemID']), 'ResultStatus'];
    names.push(...(status === 'OperationFailed' ? ['ResultReason', 'ResultMessage'] : ['ResponsePayload']));
    equal(namesOf(node.value as Node[]), names.join(' '), 'the item');
    equal(valueOf(node, 'Operation'), operation, 'Operation');
    if (sent !== undefined) {
      equal(hex(valueOf(node, 'UniqueBatchItemID') as Uint8Array), hex(sent), 'Unique Batch Item ID');
    }
    const payload = (valueOf(node, 'ResponsePayload') ?? []) as readonly Node[];
    const shape = shapes[String(request.operation)];
    if (status !== 'OperationFailed' && shape !== undefined && !shape.test(namesOf(payload))) {
      throw new Error(`fields of ${request.operation}: ${namesOf(payload)} does not match ${shape}`);
    }
    const message = valueOf(node, 'ResultMessage') as string | undefined;
    if (status === 'OperationFailed') equal((message ?? '') !== '', true, 'that a failure has a message');
    const reason = valueOf(node, 'ResultReason') as number | undefined;
    return {
      status,
      reason: reason === undefined ? undefined : String(ResultReason.fromNumber(reason)),
      message,
      payload,
      id: (find(node, 'ResponsePayload', 'UniqueIdentifier')?.value ?? '') as string,
      node,
    };
  }
}

function equal(found: unknown, wanted: unknown, what: string): void {
  if (found !== wanted) throw new Error(`${what}: found ${found}, wanted ${wanted}`);
}

const namesOf = (nodes: readonly Node[]): string => nodes.map(({ tag }) => tagName(tag)).join(' ');
const hex = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString('hex');

/** Returns the Unique Identifiers in an answer to Locate, in their order. */
export function ids(answer: Answer): string[] {
  return answer.payload
    .filter(({ tag }) => tagName(tag) === 'UniqueIdentifier')
    .map(({ value }) => value as string);
}

/** Returns the attributes of an answer, their values by name; a structure is the array of its children. */
export function attributes(answer: Answer): Record<string, unknown[]> {
  const found: Record<string, unknown[]> = {};
  for (const attribute of children(find(answer.node, 'ResponsePayload'), 'Attribute')) {
    const name = valueOf(attribute, 'AttributeName') as string;
    const value = valueOf(attribute, 'AttributeValue');
    (found[name] ??= []).push(value);
  }
  return found;
}

/** Starts a daemon that is stopped when the file of tests ends. */
export async function daemonFor(t: Pick<Test, 'teardown'>, args: readonly string[] = []): Promise<Daemon> {
  const daemon = await Daemon.start({ args });
  t.teardown(() => daemon.stop());
  return daemon;
}
