import { decodeResponse, encodeRequest } from '../../../codec/client-envelope.ts';
import { type Operation, QueryFunction } from '../../../codec/enums.ts';
import { UnsupportedVersionError } from '../../../codec/envelope.ts';
import { plan } from '../../../codec/plan.ts';
import type { Infer, Struct } from '../../../codec/schema.ts';
import { tagNumber } from '../../../codec/tags.ts';
import { isWithin, oldestVersion, type Version, versionNumbers, versions } from '../../../codec/version.ts';
import type { BinaryReader } from '../../../codec/wire/binary-reader.ts';
import { WireError } from '../../../codec/wire-error.ts';
import type { Limits } from '../../common/limits.ts';
import type { OperationDefinition } from '../../operations/operation.ts';
import { DiscoverVersions } from '../../operations/server/discover-versions.ts';
import { Query } from '../../operations/server/query.ts';
import { SetEndpointRole } from '../../operations/server/set-endpoint-role.ts';
import type { EndpointObserver } from '../../watch/observer.ts';
import { ChannelClosedError, type ReverseChannel } from './reverse-channel.ts';

const requestPayload = tagNumber('RequestPayload');

/** The functions that the server queries of a client, where the version has them. */
const queriedFunctions: readonly QueryFunction[] = [
  'QueryOperations',
  'QueryObjects',
  'QueryServerInformation',
  'QueryAttestationTypes',
  'QueryProfiles',
  'QueryCapabilities',
];

/** Operations that the server requests of clients. */
const serverOperations: readonly Operation[] = ['Notify', 'Put', 'SetEndpointRole'];

export interface EndpointChannelOptions {
  readonly channel: ReverseChannel;
  /** Version of the first request. */
  readonly version: Version;
  /** Newest version that may be agreed upon. */
  readonly newest: Version;
  readonly limits: Limits;
  readonly observer: EndpointObserver;
  /** Client and connection, for logs. */
  readonly sender: { readonly client: string; readonly connection: string };
}

/** The result of a request: the payload of a successful answer, or the reason and version of another one. */
type Outcome<R> = { readonly payload: R } | { readonly refused: string; readonly version: Version };

/**
 * Sends requests to one client, one at a time. An answer that is no whole message, or not about the request,
 * ends the connection, because the server could not trust what follows.
 */
export class EndpointChannel {
  readonly #options: EndpointChannelOptions;
  #version: Version;
  /** Operations of the server that the client says it accepts; undefined when it has not said. */
  #named: ReadonlySet<unknown> | undefined;
  /** Operations that the client has answered with Operation Not Supported. */
  readonly #refused = new Set<Operation>();

  constructor(options: EndpointChannelOptions) {
    this.#options = options;
    this.#version = options.version;
  }

  /** The version that was agreed upon. */
  get version(): Version {
    return this.#version;
  }

  /**
   * Agrees upon a version and queries the client's abilities.
   * @throws {ChannelClosedError} when the connection ends.
   */
  async introduce(): Promise<void> {
    this.#version = await this.#agree();
    const functions = queriedFunctions.filter((name) => QueryFunction.isKnownIn(name, this.#version));
    const answer = await this.request(Query, { QueryFunction: functions });
    const known = 'payload' in answer ? answer.payload : undefined;
    // In the OASIS test cases clients answer with the operations that they request of servers. Only a list
    // that names an operation of the server tells which of those the client accepts.
    const named = known?.Operation ?? [];
    if (named.some((name) => serverOperations.includes(name))) this.#named = new Set(named);
    this.#options.observer.endpointReady({
      ...this.#options.sender,
      version: this.#version,
      vendor: known?.VendorIdentification,
      operations: named.map(String),
    });
  }

  /** Whether the client accepts that operation, as far as it has said. */
  accepts(operation: Operation): boolean {
    return !this.#refused.has(operation) && (this.#named?.has(operation) ?? true);
  }

  /**
   * Sends one request of the agreed version and returns the result.
   * @throws {ChannelClosedError} when the connection ends, or the answer cannot be read.
   */
  async request<Q extends Struct, R extends Struct>(
    operation: OperationDefinition<Q, R>,
    request: Infer<Q>,
  ): Promise<Outcome<Infer<R>>> {
    const { channel, observer, sender } = this.#options;
    const version = this.#version;
    const { write } = plan(operation.request, version);
    const started = performance.now();
    const bytes = await channel.exchange(
      encodeRequest(version, operation.name, (writer) => write(writer, requestPayload, request)),
    );
    const outcome = this.#decode(operation, bytes);
    const refused = 'refused' in outcome ? outcome.refused : undefined;
    if (refused === 'OperationNotSupported') this.#refused.add(operation.name);
    observer.requestAnswered({
      ...sender,
      operation: operation.name,
      version,
      result: refused === undefined ? 'Success' : 'OperationFailed',
      reason: refused,
      milliseconds: performance.now() - started,
    });
    return outcome;
  }

  /** Lets the client send requests again; false when it does not accept that. */
  async releaseRole(): Promise<boolean> {
    if (!isWithin(this.#version, SetEndpointRole.since) || !this.accepts('SetEndpointRole')) return false;
    const answer = await this.request(SetEndpointRole, { EndpointRole: 'Server' });
    return 'payload' in answer && this.#options.channel.releaseRole();
  }

  /**
   * Returns the newest version that both sides support. A client that refuses Discover Versions tells its
   * version by that.
   */
  async #agree(): Promise<Version> {
    if (!isWithin(this.#version, DiscoverVersions.since)) return this.#version;
    const answer = await this.request(DiscoverVersions, { ProtocolVersion: [] });
    if ('refused' in answer)
      return isWithin(answer.version, oldestVersion, this.#options.newest) ? answer.version : this.#version;
    const listed = answer.payload.ProtocolVersion;
    const common = versions.findLast((version) => {
      const { major, minor } = versionNumbers(version);
      return (
        isWithin(version, oldestVersion, this.#options.newest) &&
        listed.some((each) => each.ProtocolVersionMajor === major && each.ProtocolVersionMinor === minor)
      );
    });
    return common ?? this.#version;
  }

  #decode<Q extends Struct, R extends Struct>(
    operation: OperationDefinition<Q, R>,
    bytes: Uint8Array,
  ): Outcome<Infer<R>> {
    try {
      const { version, items } = decodeResponse(bytes, this.#options.limits);
      const [item, second] = items;
      if (item === undefined || second !== undefined) throw new WireError('field', 'not exactly one answer');
      if (item.Operation !== undefined && item.Operation !== operation.name)
        throw new WireError('field', 'the answer is about another operation');
      if (item.ResultStatus !== 'Success')
        return { refused: String(item.ResultReason ?? 'no reason'), version };
      const payload = payloadOf(operation, item.ResponsePayload, version);
      return payload === undefined ? { refused: 'unreadable', version } : { payload };
    } catch (error) {
      if (!(error instanceof WireError || error instanceof UnsupportedVersionError)) throw error;
      this.#options.channel.cut(`its answer to ${operation.name} cannot be read: ${error.message}`);
      throw new ChannelClosedError();
    }
  }
}

/**
 * Undefined when the payload is not one of the operation: that tells nothing, but does not affect later
 * answers.
 */
function payloadOf<R extends Struct>(
  { response }: OperationDefinition<Struct, R>,
  reader: BinaryReader | undefined,
  version: Version,
): Infer<R> | undefined {
  try {
    return reader && plan(response, version).read(reader);
  } catch (error) {
    if (error instanceof WireError) return undefined;
    throw error;
  }
}
