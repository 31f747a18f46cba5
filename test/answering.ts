import { Operation, ResultReason, ResultStatus } from '../codec/enums.ts';
import { type Version, versionNumbers, versionOf, versions } from '../codec/version.ts';
import type { Node } from '../codec/wire/node.ts';
import { decode, encode, enumerated, find, integer, item, structure, text, valueOf } from './client.ts';

/**
 * The client's side of an exchange of roles, for tests: it answers the server's requests and records them.
 */

/** A request of the server. */
export interface Asked {
  readonly version: Version;
  readonly operation: string;
  readonly payload: Node;
  readonly message: Node;
}

/** The children of the Response Payload, or the reason of a refusal; undefined: there is no answer. */
export type Reaction = readonly Node[] | { readonly refuse: string } | undefined;

export interface AnsweringOptions {
  /** The answer to Discover Versions. */
  readonly versions?: readonly Version[];
  /** The operations in the answer to Query, by name. */
  readonly operations?: readonly string[];
  /** Overrides the answer to an operation. */
  readonly react?: (asked: Asked) => Reaction | 'usual';
}

export class Answering {
  readonly asked: Asked[] = [];
  readonly #options: AnsweringOptions;
  readonly #waiting = new Set<() => void>();

  constructor(options: AnsweringOptions = {}) {
    this.#options = options;
  }

  /** Returns the bytes of the answer to a request; undefined when there is none. */
  answer(bytes: Uint8Array): Uint8Array | undefined {
    const message = decode(bytes);
    const asked = {
      version: versionIn(message),
      operation: String(Operation.fromNumber(valueOf(message, 'BatchItem', 'Operation') as number)),
      payload: find(message, 'BatchItem', 'RequestPayload') as Node,
      message,
    };
    this.asked.push(asked);
    for (const look of this.#waiting) look();
    const own = this.#options.react?.(asked) ?? (this.#options.react ? undefined : 'usual');
    const reaction = own === 'usual' ? this.#usual(asked) : own;
    return reaction && encode(responseMessage(asked, reaction));
  }

  /** Resolves to the n-th request of an operation, counted from 1, which may have arrived already. */
  seen(operation: string, nth = 1): Promise<Asked> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.asked.filter((each) => each.operation === operation)[nth - 1];
        if (found === undefined) return;
        clearTimeout(late);
        this.#waiting.delete(look);
        resolve(found);
      };
      const late = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`no ${operation}, but ${this.asked.map((each) => each.operation).join(' ')}`));
      }, 10_000);
      this.#waiting.add(look);
      look();
    });
  }

  #usual({ operation }: Asked): readonly Node[] {
    switch (operation) {
      case 'DiscoverVersions':
        return (this.#options.versions ?? versions.toReversed()).map(protocolVersion);
      case 'Query':
        return [
          ...(this.#options.operations ?? ['Notify', 'Put', 'Query', 'DiscoverVersions']).map((name) =>
            enumerated('Operation', Operation.toNumber(name as Operation)),
          ),
          text('VendorIdentification', 'A client'),
        ];
      case 'SetEndpointRole':
        return [enumerated('EndpointRole', 2)];
      default:
        return [];
    }
  }
}

function versionIn(message: Node): Version {
  const numbers = find(message, 'RequestHeader', 'ProtocolVersion') as Node;
  const version = versionOf(
    valueOf(numbers, 'ProtocolVersionMajor') as number,
    valueOf(numbers, 'ProtocolVersionMinor') as number,
  );
  if (version === undefined) throw new Error('a version that is not ours');
  return version;
}

function protocolVersion(version: Version): Node {
  const { major, minor } = versionNumbers(version);
  return structure(
    'ProtocolVersion',
    integer('ProtocolVersionMajor', major),
    integer('ProtocolVersionMinor', minor),
  );
}

/** Creates a Response Message of one item. */
export function responseMessage(
  { version, operation }: Pick<Asked, 'version' | 'operation'>,
  reaction: Exclude<Reaction, undefined>,
): Node {
  const result =
    'refuse' in reaction
      ? [
          enumerated('ResultStatus', ResultStatus.toNumber('OperationFailed')),
          enumerated('ResultReason', ResultReason.toNumber(reaction.refuse as ResultReason)),
        ]
      : [
          enumerated('ResultStatus', ResultStatus.toNumber('Success')),
          structure('ResponsePayload', ...reaction),
        ];
  return structure(
    'ResponseMessage',
    structure(
      'ResponseHeader',
      protocolVersion(version),
      item('TimeStamp', 'DateTime', BigInt(Math.floor(Date.now() / 1000)) as never),
      integer('BatchCount', 1),
    ),
    structure('BatchItem', enumerated('Operation', Operation.toNumber(operation as Operation)), ...result),
  );
}
