import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { readRequest } from '../../codec/envelope.ts';
import type { Version } from '../../codec/version.ts';
import { defaultLimits } from '../../src/common/limits.ts';
import { nodeCrypto } from '../../src/crypto/node/node.ts';
import { CryptographicPolicy } from '../../src/crypto/policy/policy.ts';
import { operations, operationsIn } from '../../src/operations/index.ts';
import { createService } from '../../src/protocol/create-service.ts';
import { openStore } from '../../src/store/open.ts';
import { createRootKey, openLocalVault } from '../../src/vault/local.ts';
import { children, decode, encode, find, requestMessage, text } from '../client.ts';
import { judge, type Verdict } from './check.ts';
import { readEntries, registrations } from './corpus.ts';
import { mutate } from './mutate.ts';
import { type Kind, kinds, makeObjects, withIdentifiers, withStandIns } from './objects.ts';
import { Random } from './random.ts';
import { emptyReport, type Options, type Report } from './report.ts';
import { textForms } from './texts.ts';
import { type Heard, type Saying, say, textSaying } from './voices.ts';

/** Messages under way at a time. */
const lanes = 16;
/** Objects are made anew after so many messages, in a group of their own, so that Locate has some to find, but not all. */
const messagesPerGroup = 10_000;
const messagesPerCheck = 1_000;
/** What each item of a batch adds to the deadline: a thousand signatures wait a thousand times for a thread. */
const itemMilliseconds = 20;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heapBytes(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Plays mutated messages against the service of a fresh store, without a network between: as TTLV, or as text. */
export async function fuzzService(options: Options, as: 'ttlv' | 'text' = 'ttlv'): Promise<Report> {
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-fuzz-'));
  const rootKeyFile = join(directory, 'root.key');
  createRootKey(rootKeyFile);
  const opened = await openStore(`sqlite:${join(directory, 'fuzz.sqlite')}`);
  const vault = await openLocalVault({ rootKeyFile, wrappedKeys: opened.sealingKeys });
  const report = emptyReport();
  const bugs: string[] = [];
  const service = createService({
    store: opened.store,
    vault,
    crypto: new CryptographicPolicy({ disabled: [], pkcs1Decryption: false, fips: false }).over(nodeCrypto),
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
      exhausted() {},
      unexpected: ({ error }) =>
        bugs.push(error instanceof Error ? (error.stack ?? error.message) : String(error)),
    },
    clock: Date.now,
    principal: async (client) => ({ client, group, may: () => true }),
  });
  let group = '';
  const unhandled = (error: unknown) => bugs.push(`unhandled: ${String(error)}`);
  process.on('unhandledRejection', unhandled);
  try {
    const entries = readEntries('corpus');
    const kept = readEntries('regressions');
    const makers = registrations(entries);
    const conversation = (group: string) => {
      const principal = { client: 'fuzz', group, may: () => true };
      return { principal, connection: '1', peer: 'fuzz' };
    };
    const speak = async (group: string, message: Uint8Array) =>
      (await service.respond(message, conversation(group))).response;
    const door = (group: string) => ({
      respond: (message: Uint8Array) => speak(group, message),
      refuseFraming: (reason: string, version: Version | undefined) =>
        service.refuseFraming(reason, version, conversation(group)),
    });
    let identifiers = new Map<Kind, string>();
    let corpus: Uint8Array[] = [];
    const renew = async (name: string) => {
      group = name;
      identifiers = await makeObjects((message) => speak(name, message), makers);
      corpus = entries.map(({ bytes }) => withIdentifiers(bytes, identifiers));
    };

    async function play(number: number, saying: Saying): Promise<void> {
      const mine = { group, identifiers };
      const sent = saying.body.slice();
      const started = performance.now();
      const before = bugs.length;
      const answer = say(saying, door(mine.group)).catch((error: unknown) => String(error));
      const heard =
        (await withinDeadline(answer, options.deadline)) ??
        (await withinDeadline(answer, itemMilliseconds * itemsOf(sent)));
      const milliseconds = performance.now() - started;
      const { results, problem } = verdict(heard, milliseconds);
      for (const result of results) report.results.set(result, (report.results.get(result) ?? 0) + 1);
      report.messages++;
      if (milliseconds > report.longest.milliseconds) report.longest = { milliseconds, number };
      if (problem === undefined) return;
      report.problems.push({
        number,
        problem: `${saying.form}: ${problem}`,
        details: bugs.slice(before).join('\n'),
        hex: Buffer.from(withStandIns(sent, mine.identifiers)).toString('hex'),
      });
    }

    await renew('group-kept');
    for (const [index, { label, bytes }] of kept.entries())
      await play(-1 - index, { form: formOf(label), body: withIdentifiers(bytes, identifiers) });
    await renew('group-start');
    report.memory.push(heapBytes());
    const good = await makeObjects((message) => speak('good', message), makers);
    const reference = await readGood(good, speak);
    let next = options.from;
    const last = options.from + options.count;
    let turn: Promise<void> | undefined;
    const stalls = monitorEventLoopDelay({ resolution: 10 });
    stalls.enable();
    const started = performance.now();
    await Promise.all(
      Array.from({ length: lanes }, async () => {
        while (next < last && report.problems.length < options.most) {
          await turn;
          const number = next++;
          if (number % messagesPerGroup === 0) await (turn = renew(`group-${number}`));
          else if (number % messagesPerCheck === 0) {
            const now = await readGood(good, speak);
            if (now !== reference)
              report.problems.push({
                number,
                problem: 'an object of another group has changed',
                details: now,
                hex: '',
              });
            if (number % 50_000 === 0) report.memory.push(heapBytes());
            options.progress?.(report, performance.now() - started);
          }
          const random = new Random(options.seed, number);
          await play(
            number,
            as === 'text' ? textSaying(corpus, random) : { form: 'ttlv', body: mutate(corpus, random) },
          );
        }
      }),
    );
    stalls.disable();
    report.stall = stalls.max / 1e6;
    report.seconds = (performance.now() - started) / 1000;
    report.memory.push(heapBytes());
    for (const bug of bugs.slice(0, options.most)) {
      if (!report.problems.some(({ details }) => details.includes(bug)))
        report.problems.push({ number: -1, problem: 'a bug nobody was told of', details: bug, hex: '' });
    }
  } finally {
    process.off('unhandledRejection', unhandled);
    await service.close();
    await vault.close();
    await opened.close();
    rmSync(directory, { recursive: true, force: true });
  }
  return report;
}

/** Messages that are kept as text say so at the start of their label. */
function formOf(label: string): Saying['form'] {
  return textForms.find((form) => label.startsWith(`${form}: `)) ?? 'ttlv';
}

/** A string is an error that a door would not have known what to do with. */
function verdict(heard: Heard | string | undefined, milliseconds: number): Verdict {
  if (heard === undefined) return { results: [], problem: `no answer within ${Math.round(milliseconds)} ms` };
  if (typeof heard === 'string') return { results: [], problem: heard };
  const judged = judge(heard.message, heard.response);
  return heard.problem === undefined ? judged : { ...judged, problem: heard.problem };
}

/** Batch items of a message that can be read; 0 of one that cannot. */
function itemsOf(message: Uint8Array): number {
  try {
    return readRequest(message, defaultLimits).items.length;
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

/** What Get says of every object that has a value, header left out: the time stamp changes. */
async function readGood(
  identifiers: ReadonlyMap<Kind, string>,
  speak: (group: string, message: Uint8Array) => Promise<Uint8Array>,
): Promise<string> {
  const answers: string[] = [];
  for (const kind of kinds) {
    const payload = [text('UniqueIdentifier', identifiers.get(kind) as string)];
    const request = requestMessage('1.4', [{ operation: 'Get', payload }]);
    const answer = decode(await speak('good', encode(request)));
    const [first] = children(answer, 'BatchItem');
    if (first === undefined) throw new Error('no answer to Get');
    answers.push(`${kind}: ${Buffer.from(encode(find(first, 'ResponsePayload') ?? first)).toString('hex')}`);
  }
  return answers.join('\n');
}
