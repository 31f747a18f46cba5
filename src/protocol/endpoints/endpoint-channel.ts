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

/** What the server wants to know of a client, where its version has a word for it. */
const questions: readonly QueryFunction[] = [
  'QueryOperations',
  'QueryObjects',
  'QueryServerInformation',
  'QueryAttestationTypes',
  'QueryProfiles',
  'QueryCapabilities',
];

/** Operations of the server, asked of clients. */
const ours: readonly Operation[] = ['Notify', 'Put', 'SetEndpointRole'];

export interface ChannelOptions {
  readonly channel: ReverseChannel;
  /** Version of the first request. */
  readonly version: Version;
  /** No newer one is agreed upon. */
  readonly newest: Version;
  readonly limits: Limits;
  readonly observer: EndpointObserver;
  /** Client and connection, for logs. */
  readonly speaker: { readonly client: string; readonly connection: string };
}

/** What a client made of a request; the payload only when it succeeded. */
type Outcome<R> = { readonly payload: R } | { readonly refused: string; readonly version: Version };

/**
 * The server asking one client: one request at a time, each answer awaited. An answer that is no whole
 * message, or not about what was asked, ends the connection, because nothing that follows it could be
 * trusted.
 */
export class EndpointChannel {
  readonly #options: ChannelOptions;
  #version: Version;
  /** What the client says it can do for the server; undefined: it has not said. */
  #named: ReadonlySet<unknown> | undefined;
  readonly #refused = new Set<Operation>();

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#version = options.version;
  }

  /** The version both sides speak. */
  get version(): Version {
    return this.#version;
  }

  /** Agrees upon a version and asks what the client is. Rejects with LineClosed. */
  async introduce(): Promise<void> {
    this.#version = await this.#agree();
    const functions = questions.filter((name) => QueryFunction.isKnownIn(name, this.#version));
    const answer = await this.ask(Query, { QueryFunction: functions });
    const known = 'payload' in answer ? answer.payload : undefined;
    // The committee's own cases answer with what the client asks of servers; only a list that names something
    // that servers ask of clients says which of those it takes.
    const named = known?.Operation ?? [];
    if (named.some((name) => ours.includes(name))) this.#named = new Set(named);
    this.#options.observer.endpointReady({
      ...this.#options.speaker,
      version: this.#version,
      vendor: known?.VendorIdentification,
      operations: named.map(String),
    });
  }

  /** Whether the client takes that operation, as far as it has said. */
  takes(operation: Operation): boolean {
    return !this.#refused.has(operation) && (this.#named?.has(operation) ?? true);
  }

  /** Sends one request of the agreed version. Rejects with LineClosed. */
  async ask<Q extends Struct, R extends Struct>(
    operation: OperationDefinition<Q, R>,
    request: Infer<Q>,
  ): Promise<Outcome<Infer<R>>> {
    const { channel, observer, speaker } = this.#options;
    const version = this.#version;
    const { write } = plan(operation.request, version);
    const started = performance.now();
    const bytes = await channel.exchange(
      encodeRequest(version, operation.name, (writer) => write(writer, requestPayload, request)),
    );
    const outcome = this.#understand(operation, bytes);
    const refused = 'refused' in outcome ? outcome.refused : undefined;
    if (refused === 'OperationNotSupported') this.#refused.add(operation.name);
    observer.requestAnswered({
      ...speaker,
      operation: operation.name,
      version,
      result: refused === undefined ? 'Success' : 'OperationFailed',
      reason: refused,
      milliseconds: performance.now() - started,
    });
    return outcome;
  }

  /** Gives the client its role back; false when it does not take it. */
  async releaseRole(): Promise<boolean> {
    if (!isWithin(this.#version, SetEndpointRole.since) || !this.takes('SetEndpointRole')) return false;
    const answer = await this.ask(SetEndpointRole, { EndpointRole: 'Server' });
    return 'payload' in answer && this.#options.channel.releaseRole();
  }

  /**
   * The newest version that the client lists and we speak; what the client says instead of an answer counts
   * too.
   */
  async #agree(): Promise<Version> {
    if (!isWithin(this.#version, DiscoverVersions.since)) return this.#version;
    const answer = await this.ask(DiscoverVersions, { ProtocolVersion: [] });
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

  #understand<Q extends Struct, R extends Struct>(
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
 * Undefined when it is another payload than the operation's: that says nothing, but spoils nothing that
 * follows.
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
