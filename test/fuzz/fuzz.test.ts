import t from 'tap';
import { decodeRequest } from '../../codec/envelope.ts';
import { managedObjectTags } from '../../codec/structures/managed-objects.ts';
import { tagNumber } from '../../codec/tags.ts';
import { versions } from '../../codec/version.ts';
import { defaultLimits } from '../../src/common/limits.ts';
import { operationsIn } from '../../src/operations/index.ts';
import { readEntries } from './corpus.ts';
import { type Item, parse, serialise } from './item.ts';
import { mutate } from './mutate.ts';
import { Random } from './random.ts';
import { reportText } from './report.ts';
import { fuzzService } from './service.ts';
import { expectation, fuzzTls } from './tls.ts';

/** Short campaigns; `npm run fuzz` is the long one. Messages that failed once are sent first. */
const common = { seed: 20261123, from: 1, deadline: 30_000, maxProblems: 5 };

t.test('the corpus matches its labels, and mutants are reproducible', async (t) => {
  const corpus = readEntries('corpus').map(({ bytes }) => bytes);
  t.ok(corpus.length > 500, `${corpus.length} messages`);
  t.ok(
    corpus.every((bytes) => Buffer.compare(bytes, serialise(parse(bytes))) === 0),
    'every message is read and written back alike',
  );
  const mutants = () => Array.from({ length: 300 }, (_, at) => mutate(corpus, new Random(7, at)));
  t.same(mutants(), mutants());
  const changed = mutants().filter((mutant) => !corpus.some((bytes) => Buffer.compare(bytes, mutant) === 0));
  t.ok(changed.length > 200, `${changed.length} of 300 differ from every message of the corpus`);
});

t.test('the corpus has every operation in every version that offers it, and every object type', async (t) => {
  const requests = readEntries('corpus').map(({ bytes }) => decodeRequest(bytes, defaultLimits));
  const spoken = new Set(
    requests.flatMap(({ version, items }) => items.map(({ operation }) => `${operation} ${version}`)),
  );
  const offered = versions.flatMap((version) =>
    operationsIn(version, true).map((name) => `${name} ${version}`),
  );
  t.same(
    offered.filter((name) => !spoken.has(name)),
    [],
    'run make-corpus.ts',
  );
  const messages = readEntries('corpus').map(({ bytes }) => Buffer.from(bytes).toString('latin1'));
  for (const type of managedObjectTags) {
    const tag = Buffer.from([
      tagNumber(type) >>> 16,
      (tagNumber(type) >>> 8) & 0xff,
      tagNumber(type) & 0xff,
      1,
    ]).toString('latin1');
    t.ok(
      messages.some((message) => message.includes(tag)),
      type,
    );
  }
});

t.test('the expected result of bytes on a connection', async (t) => {
  const [first] = readEntries('corpus');
  const message = first?.bytes ?? new Uint8Array(0);
  const kept = ({ frames, ...rest }: ReturnType<typeof expectation>) => ({ frames: frames.length, ...rest });
  t.same(kept(expectation(message)), { frames: 1, broken: false, partial: false });
  t.same(kept(expectation(message.subarray(0, -1))), { frames: 0, broken: false, partial: true });
  t.same(kept(expectation(Uint8Array.from([...message, ...message, 1, 2, 3, 4, 5, 6, 7, 8]))), {
    frames: 2,
    broken: true,
    partial: false,
  });
  const lying = parse(message) as Item;
  lying.length = 0xfffffff8;
  t.same(kept(expectation(serialise(lying))), { frames: 0, broken: true, partial: false });
});

t.test('mutated messages against the service', { timeout: 120_000 }, async (t) => {
  const report = await fuzzService({ ...common, count: 6_000 });
  t.equal(
    report.problems.length,
    0,
    report.problems.length > 0 ? reportText(report) : 'every answer was right',
  );
  t.ok(report.messages >= 6_000);
  t.ok((report.results.get('Success') ?? 0) > 300, 'enough of them are understood');
  t.ok(report.results.size > 20, 'and refused for many reasons');
});

t.test('mutated messages as XML and JSON', { timeout: 120_000 }, async (t) => {
  const report = await fuzzService({ ...common, count: 4_000 }, 'text');
  t.equal(
    report.problems.length,
    0,
    report.problems.length > 0 ? reportText(report) : 'every answer was right',
  );
  t.ok((report.results.get('Success') ?? 0) > 200, 'enough of them are understood');
});

t.test('mutated messages against the daemon', { timeout: 120_000 }, async (t) => {
  const report = await fuzzTls({ ...common, count: 1_200 });
  t.equal(
    report.problems.length,
    0,
    report.problems.length > 0 ? reportText(report) : 'each got an answer or the end',
  );
  t.ok(report.messages >= 1_200);
  const [before = 0] = report.memory;
  t.ok((report.memory.at(-1) ?? 0) - before < 150 * 1_048_576, 'the daemon does not grow');
});
