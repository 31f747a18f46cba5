import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { decodeRequest } from '../../codec/envelope.ts';
import type { Version } from '../../codec/version.ts';
import { defaultLimits } from '../../src/common/limits.ts';
import { nodeCrypto } from '../../src/crypto/node/node.ts';
import { CryptographicPolicy } from '../../src/crypto/policy/policy.ts';
import { operations, operationsIn } from '../../src/operations/index.ts';
import { createService } from '../../src/protocol/create-service.ts';
import type { Service } from '../../src/protocol/service.ts';
import { openLocalVault } from '../../src/vault/local.ts';
import { createRootKey } from '../../src/vault/root-key.ts';
import { createFileRoot } from '../../src/vault/roots/file-root.ts';
import { children, decode, encode, find, requestMessage, text } from '../client.ts';
import { openWritable } from '../store/start-lanes.ts';
import { type CheckResult, checkResponse } from './check.ts';
import { readEntries, registrations } from './corpus.ts';
import { mutate } from './mutate.ts';
import { type Kind, kinds, makeObjects, withIdentifiers, withStandIns } from './objects.ts';
import { Random } from './random.ts';
import { emptyReport, type Options, type Report } from './report.ts';
import { type Exchange, type Submission, submit, textSubmission } from './text-transport.ts';
import { textForms } from './texts.ts';

/** Messages under way at a time. */
const lanes = 16;
/**
 * Objects are made anew after so many messages, in a group of their own, so that Locate has some to find, but
 * not all.
 */
const messagesPerGroup = 10_000;
const messagesPerCheck = 1_000;
/**
 * Milliseconds that each item of a batch adds to the deadline: a thousand signatures wait a thousand times
 * for a thread.
 */
const itemMilliseconds = 20;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heapBytes(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** The group that messages are sent to, and the messages that name its objects. */
interface Target {
  readonly group: string;
  /** Identifiers of the group's objects, which the messages name. */
  readonly identifiers: ReadonlyMap<Kind, string>;
  /** Messages of the corpus with those identifiers. */
  readonly corpus: readonly Uint8Array[];
}

/** The service of a fresh store, in this process; errors that it did not answer are collected in `bugs`. */
async function openService(directory: string, bugs: string[], store?: string) {
  const rootKeyFile = join(directory, 'root.key');
  createRootKey(rootKeyFile);
  const opened = await openWritable(store ?? `sqlite:${join(directory, 'fuzz.sqlite')}`);
  const vault = await openLocalVault({ roots: [createFileRoot(rootKeyFile)], keyrings: opened.keyrings });
  let group = '';
  const service = createService({
    store: opened.store,
    vault,
    crypto: new CryptographicPolicy({
      disabled: [],
      pkcs1Decryption: false,
      fips: false,
      legacy: true,
    }).restrict(nodeCrypto),
    limits: defaultLimits,
    operations,
    server: {
      vendor: 'kmipd',
      name: 'kmipd',
      version: '0',
      operations: (version) => operationsIn(version, true),
      interop: true,
      uniqueNames: false,
      log() {},
    },
    observer: {
      answered() {},
      refused() {},
      authenticationFailed() {},
      permissionRefused() {},
      attemptsExhausted() {},
      quotaExhausted() {},
      requestFailed: ({ error }) =>
        bugs.push(error instanceof Error ? (error.stack ?? error.message) : String(error)),
    },
    clock: Date.now,
    principal: async (client) => ({ client, group, may: () => true }),
  });
  return {
    service,
    /** Jobs run for the client in this group. */
    setGroup(name: string) {
      group = name;
    },
    async close() {
      await service.close();
      await vault.close();
      await opened.close();
    },
  };
}

/** Submits mutated messages to the service of a fresh store, without a network: as TTLV, or as text. */
export async function fuzzService(options: Options, as: 'ttlv' | 'text' = 'ttlv'): Promise<Report> {
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-fuzz-'));
  const bugs: string[] = [];
  const unhandled = (error: unknown) => bugs.push(`unhandled: ${String(error)}`);
  process.on('unhandledRejection', unhandled);
  const opened = await openService(directory, bugs, options.store);
  const campaign = new Campaign(options, opened.service, opened.setGroup, bugs);
  try {
    await campaign.sendRegressions();
    await campaign.sendMutants(as);
    campaign.reportUnansweredBugs();
  } finally {
    process.off('unhandledRejection', unhandled);
    await opened.close();
    rmSync(directory, { recursive: true, force: true });
  }
  return campaign.report;
}

class Campaign {
  readonly report = emptyReport();
  readonly #options: Options;
  readonly #service: Service;
  readonly #setGroup: (name: string) => void;
  readonly #bugs: string[];
  readonly #entries = readEntries('corpus');
  readonly #makers = registrations(this.#entries);
  #target: Target = { group: '', identifiers: new Map(), corpus: [] };

  constructor(options: Options, service: Service, setGroup: (name: string) => void, bugs: string[]) {
    this.#options = options;
    this.#service = service;
    this.#setGroup = setGroup;
    this.#bugs = bugs;
  }

  async sendRegressions(): Promise<void> {
    await this.#renewTarget('group-kept');
    for (const [index, { label, bytes }] of readEntries('regressions').entries())
      await this.#send(-1 - index, {
        form: formOf(label),
        body: withIdentifiers(bytes, this.#target.identifiers),
      });
  }

  /**
   * Submits the messages of the options in `lanes` lanes; records time, memory and stalls of the event loop.
   */
  async sendMutants(as: 'ttlv' | 'text'): Promise<void> {
    const { from, count, seed, maxProblems } = this.#options;
    await this.#renewTarget('group-start');
    this.report.memory.push(heapBytes());
    const good = await makeObjects((message) => this.#respond('good', message), this.#makers);
    const reference = await this.#readGood(good);
    let next = from;
    let renewal: Promise<void> | undefined;
    const stalls = monitorEventLoopDelay({ resolution: 10 });
    stalls.enable();
    const started = performance.now();
    const lane = async () => {
      while (next < from + count && this.report.problems.length < maxProblems) {
        await renewal;
        const number = next++;
        if (number % messagesPerGroup === 0) await (renewal = this.#renewTarget(`group-${number}`));
        else if (number % messagesPerCheck === 0) {
          this.#compareGood(number, await this.#readGood(good), reference);
          if (number % 50_000 === 0) this.report.memory.push(heapBytes());
          this.#options.progress?.(this.report, performance.now() - started);
        }
        const random = new Random(seed, number);
        const { corpus } = this.#target;
        await this.#send(
          number,
          as === 'text' ? textSubmission(corpus, random) : { form: 'ttlv', body: mutate(corpus, random) },
        );
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
    stalls.disable();
    this.report.stall = stalls.max / 1e6;
    this.report.seconds = (performance.now() - started) / 1000;
    this.report.memory.push(heapBytes());
  }

  /** Adds the bugs that no response has led to. */
  reportUnansweredBugs(): void {
    for (const bug of this.#bugs.slice(0, this.#options.maxProblems)) {
      if (!this.report.problems.some(({ details }) => details.includes(bug)))
        this.report.problems.push({ number: -1, problem: 'a bug without a response', details: bug, hex: '' });
    }
  }

  /** Makes the objects of a new group, which the following messages name. */
  async #renewTarget(group: string): Promise<void> {
    this.#setGroup(group);
    this.#target = { ...this.#target, group };
    const identifiers = await makeObjects((message) => this.#respond(group, message), this.#makers);
    const corpus = this.#entries.map(({ bytes }) => withIdentifiers(bytes, identifiers));
    this.#target = { group, identifiers, corpus };
  }

  /** Submits one message within its deadline and records its result. */
  async #send(number: number, submission: Submission): Promise<void> {
    const { group, identifiers } = this.#target;
    const { deadline } = this.#options;
    const sent = submission.body.slice();
    const started = performance.now();
    const before = this.#bugs.length;
    const answer = submit(submission, this.#framed(group)).catch((error: unknown) => String(error));
    const exchange =
      (await withinDeadline(answer, deadline)) ??
      (await withinDeadline(answer, itemMilliseconds * itemsOf(sent)));
    const milliseconds = performance.now() - started;
    const { results, problem } = resultOf(exchange, milliseconds);
    const { report } = this;
    for (const result of results) report.results.set(result, (report.results.get(result) ?? 0) + 1);
    report.messages++;
    if (milliseconds > report.slowest.milliseconds) report.slowest = { milliseconds, number };
    if (problem === undefined) return;
    report.problems.push({
      number,
      problem: `${submission.form}: ${problem}`,
      details: this.#bugs.slice(before).join('\n'),
      hex: Buffer.from(withStandIns(sent, identifiers)).toString('hex'),
    });
  }

  async #respond(group: string, message: Uint8Array): Promise<Uint8Array> {
    return (await this.#service.respond(message, conversationOf(group))).response;
  }

  /** The service for messages of one group, as a transport calls it. */
  #framed(group: string) {
    return {
      respond: (message: Uint8Array) => this.#respond(group, message),
      refuseFraming: (reason: string, version: Version | undefined) =>
        this.#service.refuseFraming(reason, conversationOf(group), version),
    };
  }

  #readGood(identifiers: ReadonlyMap<Kind, string>): Promise<string> {
    return readGood(identifiers, (group, message) => this.#respond(group, message));
  }

  #compareGood(number: number, now: string, reference: string): void {
    if (now === reference) return;
    const problem = 'an object of another group has changed';
    this.report.problems.push({ number, problem, details: now, hex: '' });
  }
}

function conversationOf(group: string) {
  const principal = { client: 'fuzz', group, may: () => true };
  return { principal, connection: '1', peer: 'fuzz' };
}

/** The form of a regression message: its label begins with the form if the message is kept as text. */
function formOf(label: string): Submission['form'] {
  return textForms.find((form) => label.startsWith(`${form}: `)) ?? 'ttlv';
}

/** The result of one exchange; a string is an error that the transport would not have handled. */
function resultOf(exchange: Exchange | string | undefined, milliseconds: number): CheckResult {
  if (exchange === undefined)
    return { results: [], problem: `no answer within ${Math.round(milliseconds)} ms` };
  if (typeof exchange === 'string') return { results: [], problem: exchange };
  const result = checkResponse(exchange.message, exchange.response);
  return exchange.problem === undefined ? result : { ...result, problem: exchange.problem };
}

/** Batch items of a message that can be read; 0 of one that cannot. */
function itemsOf(message: Uint8Array): number {
  try {
    return decodeRequest(message, defaultLimits).items.length;
  } catch {
    return 0;
  }
}

async function withinDeadline<T>(promise: Promise<T>, milliseconds: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), milliseconds);
  });
  const first = await Promise.race([promise, late]);
  clearTimeout(timer);
  return first;
}

/** The payloads of Get for every object that has a value, without the header, whose time stamp changes. */
async function readGood(
  identifiers: ReadonlyMap<Kind, string>,
  respond: (group: string, message: Uint8Array) => Promise<Uint8Array>,
): Promise<string> {
  const answers: string[] = [];
  for (const kind of kinds) {
    const payload = [text('UniqueIdentifier', identifiers.get(kind) as string)];
    const request = requestMessage('1.4', [{ operation: 'Get', payload }]);
    const answer = decode(await respond('good', encode(request)));
    const [first] = children(answer, 'BatchItem');
    if (first === undefined) throw new Error('no answer to Get');
    answers.push(`${kind}: ${Buffer.from(encode(find(first, 'ResponsePayload') ?? first)).toString('hex')}`);
  }
  return answers.join('\n');
}
