/** A limit of the daemon, configurable under `[limits]`. */
interface LimitDefinition {
  readonly defaultValue: number;
  /** Below it clients break. */
  readonly min: number;
  /** Above it the host is overloaded. */
  readonly max: number;
  /** What is bounded, and the effect at the bound; the unit is at the end of the key's name. */
  readonly comment: string;
}

const define = (defaultValue: number, min: number, max: number, comment: string): LimitDefinition => ({
  defaultValue,
  min,
  max,
  comment,
});

/**
 * Every limit by its key, in the order of the configuration file, where the comment stands above the key.
 * These comments are also the documentation of the fields of `Limits`.
 */
export const limitDefinitions = {
  requestBytes: define(
    1_048_576,
    1_024,
    1_073_741_824,
    'Bytes of a request in TTLV. A longer one is refused, and its connection is closed.',
  ),
  responseBytes: define(
    8_388_608,
    1_024,
    1_073_741_824,
    'Bytes of a response in TTLV. An item whose answer does not fit fails with Response Too Large.',
  ),
  depth: define(32, 8, 256, 'Structures nested in each other. A message with more is refused as malformed.'),
  structureItems: define(
    4_096,
    64,
    1_048_576,
    'Fields directly within one structure. A message with more is refused as malformed.',
  ),
  batchItems: define(
    1_000,
    1,
    100_000,
    'Items of a batch, objects that one item names, and objects that the references of a batch stand for. More are refused.',
  ),
  referenceBytes: define(
    8_388_608,
    1_024,
    1_073_741_824,
    'Bytes that references add to the items of a batch, and bytes of Ephemeral Data in it. An item beyond fails.',
  ),
  handshakeMilliseconds: define(
    10_000,
    100,
    600_000,
    'Milliseconds for a TLS handshake. A connection that needs longer is closed.',
  ),
  messageMilliseconds: define(
    10_000,
    100,
    600_000,
    'Milliseconds from the first byte of a request to its last. A connection that needs longer is closed.',
  ),
  idleMilliseconds: define(
    1_800_000,
    1_000,
    2_147_483_647,
    'Milliseconds that a connection stays open without a request. It is closed then.',
  ),
  writeMilliseconds: define(
    30_000,
    100,
    600_000,
    'Milliseconds that a response waits for a client that does not read. The connection is closed then.',
  ),
  answerMilliseconds: define(
    30_000,
    100,
    600_000,
    'Milliseconds for a client to answer a request of the server. The connection is closed then.',
  ),
  drainMilliseconds: define(
    20_000,
    0,
    600_000,
    'Milliseconds for running requests to finish when kmipd stops. Their connections are closed then; jobs stay pending.',
  ),
  connections: define(
    10_000,
    1,
    1_000_000,
    'Open connections of each listener. Further ones are closed at once.',
  ),
  connectionsPerClient: define(
    1_000,
    1,
    1_000_000,
    'Open connections of one client, all listeners together. Further ones are closed after the handshake.',
  ),
  locateItems: define(
    65_536,
    1,
    1_048_576,
    'Unique Identifiers in one answer of Locate. The rest is left out; Offset Items asks for it.',
  ),
  countedItems: define(
    10_000,
    0,
    1_048_576,
    'Matching objects that Locate counts at most. Located Items is left out when more match than that and its answer.',
  ),
  searchRows: define(
    2_000,
    100,
    1_000_000,
    'Rows that one statement of a search examines. Between two statements other clients have their turn.',
  ),
  searchMilliseconds: define(
    10_000,
    100,
    600_000,
    'Milliseconds that the statements of one search take together. A search that needs more fails.',
  ),
  ticketSeconds: define(
    86_400,
    60,
    2_147_483_647,
    'Seconds that a ticket of Login is valid at most, and without a Lease Time. It is rejected afterwards.',
  ),
  announcements: define(
    1_000,
    1,
    100_000,
    'Changes that wait until one client is notified. The oldest are dropped, and the log says how many.',
  ),
  parts: define(
    4_096,
    0,
    1_000_000,
    'Multi-part operations of all clients that wait for a part. More fail with Server Limit Exceeded.',
  ),
  partsPerClient: define(
    64,
    0,
    1_000_000,
    'Multi-part operations of one client that wait for a part. More fail with Server Limit Exceeded.',
  ),
  partsMilliseconds: define(
    300_000,
    1_000,
    86_400_000,
    'Milliseconds that a multi-part operation waits for a part with data. It ends then, and later parts fail.',
  ),
  partsTotalMilliseconds: define(
    3_600_000,
    1_000,
    2_147_483_647,
    'Milliseconds that a multi-part operation lasts at most, however its parts come. It ends then.',
  ),
  partsBytes: define(
    1_048_576,
    1_024,
    1_073_741_824,
    'Bytes that one multi-part operation keeps until its last part, where nothing may be answered before. It fails then.',
  ),
  partsBytesPerClient: define(
    16_777_216,
    1_024,
    17_179_869_184,
    'The same of all multi-part operations of one client. Keep it well below partsTotalBytes, so that others have space.',
  ),
  partsTotalBytes: define(
    67_108_864,
    1_024,
    17_179_869_184,
    'Bytes that all multi-part operations keep until their last parts. The operation that needs more fails.',
  ),
  jobs: define(
    1_000,
    0,
    100_000,
    'Pending requests of all clients. Above it requests run at once, or fail with Server Limit Exceeded.',
  ),
  jobsPerClient: define(
    100,
    0,
    100_000,
    'Pending requests of one client. Above it requests run at once, or fail with Server Limit Exceeded.',
  ),
  jobBytes: define(
    262_144,
    1_024,
    1_073_741_824,
    'Bytes of a request that becomes pending. Longer ones run at once, or fail with Server Limit Exceeded.',
  ),
  jobAnswerSeconds: define(
    3_600,
    60,
    31_536_000,
    'Seconds that the responses of a pending request can be polled once it is done. They are deleted then.',
  ),
  reservedNameSeconds: define(
    31_536_000,
    60,
    3_153_600_000,
    'Seconds that a Name stays reserved to the client whose object had it, with uniqueNames. Others can take it then.',
  ),
  failedDecryptions: define(
    1_000,
    1,
    1_000_000,
    'Failed decryptions and MAC checks of one client with one key in a minute. Until it ends, more are refused.',
  ),
} as const satisfies Readonly<Record<string, LimitDefinition>>;

export type LimitName = keyof typeof limitDefinitions;

/** Every limit of the daemon; `limitDefinitions` says what each one bounds. */
export type Limits = Readonly<Record<LimitName, number>>;

/** The names of all limits, in the order of the configuration file. */
export const limitNames = Object.keys(limitDefinitions) as readonly LimitName[];

/** The limits in force when the configuration names none. */
export const defaultLimits = Object.fromEntries(
  limitNames.map((name) => [name, limitDefinitions[name].defaultValue]),
) as Limits;
