/** Every bound of the daemon in one place (DESIGN §9): all configurable under `[limits]`, unit last in the name. */
export interface Limits {
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly depth: number;
  readonly structureItems: number;
  readonly batchItems: number;
  readonly handshakeMilliseconds: number;
  /** From the first byte of a message to its last. */
  readonly messageMilliseconds: number;
  readonly idleMilliseconds: number;
  /** How long a response may wait for a client that does not read. */
  readonly writeMilliseconds: number;
  /** How long a client may take to answer what the server asks. */
  readonly answerMilliseconds: number;
  readonly drainMilliseconds: number;
  readonly connections: number;
  readonly connectionsPerClient: number;
  readonly locateItems: number;
  /** Longest lease of a ticket, and that of one without a lease of its own. */
  readonly ticketSeconds: number;
  /** Changes that may wait for one client to hear of them. */
  readonly announcements: number;
  /** Work on data in parts that waits for its next part. */
  readonly parts: number;
  readonly partsPerClient: number;
  readonly partsMilliseconds: number;
  /** Messages that were answered as pending and are not done yet. */
  readonly jobs: number;
  readonly jobsPerClient: number;
  readonly jobBytes: number;
  /** How long the answers of a job that is done can be fetched. */
  readonly jobAnswerSeconds: number;
  /** Failures of decryption, unwrapping and MAC verification that one client may have with one key in a minute. */
  readonly failedDecryptions: number;
}

export const defaultLimits: Limits = {
  requestBytes: 1_048_576,
  responseBytes: 8_388_608,
  depth: 32,
  structureItems: 4_096,
  batchItems: 1_000,
  handshakeMilliseconds: 10_000,
  messageMilliseconds: 10_000,
  idleMilliseconds: 1_800_000,
  writeMilliseconds: 30_000,
  answerMilliseconds: 30_000,
  drainMilliseconds: 20_000,
  connections: 10_000,
  connectionsPerClient: 1_000,
  locateItems: 65_536,
  ticketSeconds: 86_400,
  announcements: 1_000,
  parts: 4_096,
  partsPerClient: 64,
  partsMilliseconds: 300_000,
  jobs: 1_000,
  jobsPerClient: 100,
  jobBytes: 262_144,
  jobAnswerSeconds: 3_600,
  failedDecryptions: 1_000,
};
