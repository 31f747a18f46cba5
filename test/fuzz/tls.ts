import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { Framer } from '../../codec/framer.ts';
import { defaultLimits } from '../../src/common/limits.ts';
import {
  type Client,
  encode,
  enumerated,
  type Identity,
  readIdentity,
  requestMessage,
  valueOf,
} from '../client.ts';
import { Daemon } from '../fixture/daemon.ts';
import { checkResponse } from './check.ts';
import { readEntries, registrations } from './corpus.ts';
import { mutate } from './mutate.ts';
import { type Kind, makeObjects, withIdentifiers } from './objects.ts';
import { Random } from './random.ts';
import { emptyReport, type Options, type Report } from './report.ts';

/**
 * After these requests the server sends requests on the connection instead of answering, or accepts only
 * another certificate of the client. This client supports neither.
 */
const changesTheConnection = /^(SetEndpointRole|ReProvision) /;

/** Number of connections at a time. */
const lanes = 24;
const messagesPerNeighbour = 250;
/** Short, because each message that is never completed costs this time. */
const messageMilliseconds = 400;

/** The expected result of the bytes: the number of responses, and whether the connection ends after them. */
export interface Expectation {
  readonly frames: readonly Uint8Array[];
  /** The bytes after the frames are no frame: the server sends one more answer and ends the connection. */
  readonly broken: boolean;
  /** The last message is incomplete: the server ends the connection without an answer. */
  readonly partial: boolean;
}

export function expectation(bytes: Uint8Array): Expectation {
  const framer = new Framer('RequestMessage', defaultLimits.requestBytes);
  const frames: Uint8Array[] = [];
  try {
    for (const frame of framer.push(bytes)) frames.push(frame);
  } catch {
    return { frames, broken: true, partial: false };
  }
  return { frames, broken: false, partial: framer.hasPartialMessage };
}

/** A connection whose answers are collected as they arrive. */
class FuzzConnection {
  readonly socket: TLSSocket;
  readonly answers: Uint8Array[] = [];
  closed = false;
  trouble: string | undefined;
  #wake: (() => void) | undefined;

  constructor(socket: TLSSocket) {
    this.socket = socket;
    const framer = new Framer('ResponseMessage', 64 * 1024 * 1024);
    socket.on('data', (chunk: Buffer) => {
      try {
        for (const answer of framer.push(chunk)) this.answers.push(answer.slice());
      } catch {
        this.trouble = 'the answer is not framed as TTLV';
      }
      this.#wake?.();
    });
    const done = () => {
      if (framer.hasPartialMessage) this.trouble ??= 'the connection ended in the middle of an answer';
      this.closed = true;
      this.#wake?.();
    };
    socket.on('end', done).on('close', done).on('error', done);
  }

  static async open(port: number, identity: Identity, session?: Buffer): Promise<FuzzConnection> {
    const socket = connectTls({ host: '127.0.0.1', port, ...identity, ...(session ? { session } : {}) });
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve).once('error', reject);
    });
    socket.setNoDelay(true);
    return new FuzzConnection(socket);
  }

  /**
   * Waits for a number of answers or, with `end`, until the peer has closed; resolves to false after
   * `milliseconds`.
   */
  async until(answers: number, end: boolean, milliseconds: number): Promise<boolean> {
    const deadline = performance.now() + milliseconds;
    while (!this.closed && (end || this.answers.length < answers)) {
      const left = deadline - performance.now();
      if (left <= 0) return false;
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, left);
      });
      clearTimeout(timer);
    }
    return true;
  }
}

/** Sends mutated messages to a live daemon over many connections, broken framing included. */
export async function fuzzTls(options: Options): Promise<Report> {
  const server = await Daemon.prepare({
    ...(options.store !== undefined && { store: options.store }),
    config: `[limits]\nmessageMilliseconds = ${messageMilliseconds}\n`,
    args: ['--interop'],
  });
  const report = emptyReport();
  try {
    await server.start();
    const identity = await readIdentity(join(server.home, 'clients', 'demo'));
    const setup = await server.connect();
    const entries = readEntries('corpus').filter(({ label }) => !changesTheConnection.test(label));
    const makers = registrations(entries);
    let identifiers: Map<Kind, string>;
    let corpus: Uint8Array[] = [];
    const renew = async (client: Client) => {
      identifiers = await makeObjects((message) => client.send(message), makers);
      corpus = entries.map(({ bytes }) => withIdentifiers(bytes, identifiers));
    };
    await renew(setup);
    report.memory.push(server.residentBytes);
    const wrong = (number: number, problem: string, sent: Uint8Array) =>
      report.problems.push({
        number,
        problem,
        details: server.output.slice(-2_000),
        hex: Buffer.from(sent).toString('hex'),
      });
    let next = options.from;
    const last = options.from + options.count;
    const started = performance.now();

    const lane = async () => {
      let connection: FuzzConnection | undefined;
      while (next < last && report.problems.length < options.maxProblems) {
        const number = next++;
        const random = new Random(options.seed, number, 0x7175);
        if (number % 5_000 === 0) await renew(setup);
        if (number % messagesPerNeighbour === 0) {
          await neighbour(server, number, wrong);
          options.progress?.(report, performance.now() - started);
          if (number % 2_500 === 0) report.memory.push(server.residentBytes);
        }
        if (random.below(200) === 0) {
          const problem = await garbageInsteadOfTls(server.port, random);
          if (problem !== undefined) wrong(number, problem, new Uint8Array(0));
        }
        const sent = mutate(corpus, new Random(options.seed, number));
        connection ??= await FuzzConnection.open(server.port, identity);
        const problem = await exchange(connection, sent, random, report, number, options.deadline);
        report.messages++;
        if (problem !== undefined) wrong(number, problem, sent);
        if (problem !== undefined || connection.closed || random.below(50) === 0) {
          connection.socket.destroy();
          connection = undefined;
        }
      }
      connection?.socket.destroy();
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    report.seconds = (performance.now() - started) / 1000;
    await neighbour(server, last, wrong);
    report.memory.push(server.residentBytes);
    await setup.close();
    await checkEnd(server, report, last);
  } finally {
    await server.remove();
  }
  return report;
}

/**
 * Looks for errors in the log, ends the daemon and checks its exit code; both become problems of the report.
 */
async function checkEnd(server: Daemon, report: Report, last: number): Promise<void> {
  for (const log of server.output.match(/^.*(?:failed unexpectedly|a bug).*$/gm) ?? [])
    report.problems.push({ number: -1, problem: 'the log contains a bug', details: log, hex: '' });
  const code = await server.end();
  if (code === 0) return;
  const problem = `the daemon ended with ${code}`;
  report.problems.push({ number: last, problem, details: server.output.slice(-2_000), hex: '' });
}

/** Sends the bytes in pieces and waits for the expected result. */
async function exchange(
  connection: FuzzConnection,
  sent: Uint8Array,
  random: Random,
  report: Report,
  number: number,
  deadline: number,
): Promise<string | undefined> {
  const { frames, broken, partial } = expectation(sent);
  const expected = frames.length + (broken ? 1 : 0);
  connection.answers.length = 0;
  const started = performance.now();
  for (let at = 0; at < sent.length; ) {
    const end = random.chance(80) ? sent.length : Math.min(sent.length, at + 1 + random.below(sent.length));
    connection.socket.write(sent.subarray(at, end));
    at = end;
    if (at < sent.length && random.chance(50)) await new Promise((resolve) => setImmediate(resolve));
  }
  // A client may disconnect in the middle of a message or before its answer.
  if (random.below(60) === 0) {
    connection.socket.destroy();
    connection.closed = true;
    return undefined;
  }
  const inTime = await connection.until(expected, broken || partial, deadline + messageMilliseconds);
  const milliseconds = performance.now() - started;
  if (milliseconds > report.slowest.milliseconds) report.slowest = { milliseconds, number };
  if (!inTime) return `neither ${expected} answers nor the end within ${deadline} ms`;
  if (connection.trouble !== undefined) return connection.trouble;
  // On a loaded machine the pieces of a message may arrive too late: then the server is right to close.
  const late =
    connection.closed && connection.answers.length < expected && milliseconds >= messageMilliseconds;
  if (connection.answers.length !== expected && !late)
    return `${connection.answers.length} answers, expected ${expected}`;
  for (const [index, answer] of connection.answers.entries()) {
    const { results, problem } = checkResponse(frames[index] ?? new Uint8Array(0), answer);
    for (const result of results) report.results.set(result, (report.results.get(result) ?? 0) + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** Checks that another client is served, whatever the fuzzing connections do. */
async function neighbour(
  server: Daemon,
  number: number,
  wrong: (number: number, problem: string, sent: Uint8Array) => void,
): Promise<void> {
  const request = requestMessage('1.4', [{ operation: 'Query', payload: [enumerated('QueryFunction', 1)] }]);
  try {
    const client = await server.connect();
    const answer = await client.exchange(request);
    if (valueOf(answer, 'BatchItem', 'ResultStatus') !== 0)
      wrong(number, 'the next client was refused', encode(request));
    await client.close();
  } catch (error) {
    wrong(number, `the next client was not served: ${String(error)}`, encode(request));
  }
}

/**
 * Sends random bytes in place of a TLS handshake; resolves to a problem when the server does not close the
 * connection.
 */
function garbageInsteadOfTls(port: number, random: Random): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connectPlain(port, '127.0.0.1');
    const timer = setTimeout(() => {
      socket.destroy();
      resolve('garbage instead of TLS was not turned away');
    }, defaultLimits.handshakeMilliseconds + 5_000);
    const done = () => {
      clearTimeout(timer);
      resolve(undefined);
    };
    socket
      .on('error', () => {})
      .on('close', done)
      .resume();
    socket.write(random.bytes(16 + random.below(600)));
  });
}
