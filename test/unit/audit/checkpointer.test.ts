import {
  appendFileSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { AuditItem } from '../../../src/audit/audit.ts';
import {
  type CheckpointLane,
  decodeCheckpoint,
  hashCheckpoint,
} from '../../../src/audit/checkpoints/checkpoint.ts';
import { CheckpointFiles, checkpointFilesIn } from '../../../src/audit/checkpoints/checkpoint-files.ts';
import { readCheckpointTexts } from '../../../src/audit/checkpoints/checkpoint-texts.ts';
import { Checkpointer } from '../../../src/audit/checkpoints/checkpointer.ts';
import { Arrivals } from '../../net/arrivals.ts';
import { EpochVault } from './epoch-vault.ts';

const noon = Date.parse('2026-11-29T12:00:00Z');
const day = 86_400_000;

/** A lane that has got that far. */
function laneAt(entries: number, name = 'aaaaaaaaaaaa'): CheckpointLane {
  const chain = { id: name.slice(0, 1).repeat(32), entries, head: new Uint8Array(32).fill(entries) };
  return { name, seq: entries + 1, state: new Uint8Array(32).fill(entries + 100), chain };
}

interface World {
  lanes: CheckpointLane[];
  readonly ended: Set<string>;
  now: number;
  /** How often the lanes were listed, as each attempt does. */
  looks: number;
}

function prepare(t: Test) {
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-checkpoints-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  const vault = new EpochVault();
  const world: World = { lanes: [laneAt(1)], ended: new Set(), now: noon, looks: 0 };
  const [items, events]: [AuditItem[], string[]] = [[], []];
  const accepted = new Arrivals<string>();
  const start = () => {
    const checkpointer = new Checkpointer({
      ...{ directory, node: 'aaaaaaaaaaaa', now: () => world.now, record: (item) => items.push(item) },
      outlet: { acceptCheckpoint: (text) => accepted.add(text) },
      observer: {
        failed: (reason) => events.push(`failed: ${reason}`),
        recovered: () => events.push('recovered'),
        keyBegun: ({ problem }) => events.push(`key begun: ${problem}`),
      },
    });
    checkpointer.start({
      vault: vault.vault,
      listLanes: async () => {
        world.looks += 1;
        return world.lanes;
      },
      hasEnded: async ({ name }) => world.ended.has(name),
      flush: async () => {},
    });
    return checkpointer;
  };
  const [, file] = checkpointFilesIn(directory);
  return { directory, vault, world, accepted, texts: accepted.items, items, events, start, file };
}

const textsIn = (file: string) =>
  [...readCheckpointTexts(file)].flatMap((found) => (found.kind === 'checkpoint' ? [found.text] : []));

t.test('checkpoints name all lanes, are linked, and are made only when something is new', async (t) => {
  const { world, texts, start, file, items, events } = prepare(t);
  const checkpointer = start();
  await checkpointer.soon();
  await checkpointer.soon();
  t.equal(texts.length, 1, 'nothing is new');
  t.equal(statSync(file).mode & 0o777, 0o600);
  world.lanes = [laneAt(2), laneAt(7, 'bbbbbbbbbbbb')];
  await checkpointer.soon();
  await checkpointer.close();
  t.same(textsIn(file), texts, 'the file has what was handed over');
  const [first, second] = texts.map((text) => decodeCheckpoint(text));
  t.same(first?.lanes, [laneAt(1)]);
  t.same(second?.lanes, world.lanes);
  t.same([first?.previous, second?.previous], [undefined, hashCheckpoint(texts[0] ?? '')]);
  t.same(
    items.map(({ operation, details }) => [operation, details?.['fingerprint'], details?.['reason']]),
    [['SigningKeyBegun', first?.key.first, 'first']],
  );
  t.same(events, ['key begun: undefined']);
  const next = start();
  await next.soon();
  t.equal(texts.length, 2, 'nor after a restart');
  world.lanes = [laneAt(3), laneAt(7, 'bbbbbbbbbbbb')];
  await next.close();
  t.equal(
    decodeCheckpoint(texts[2] ?? '')?.previous,
    hashCheckpoint(texts[1] ?? ''),
    'linked over the restart',
  );
});

t.test('many entries make a checkpoint at once', async (t) => {
  const { world, accepted, start } = prepare(t);
  const checkpointer = start();
  await checkpointer.soon();
  world.lanes = [laneAt(2)];
  const { looks } = world;
  checkpointer.noteEntries(9_999);
  await new Promise((resolve) => setImmediate(resolve));
  t.equal(world.looks, looks, 'no attempt has begun');
  checkpointer.noteEntries(1);
  t.same(decodeCheckpoint(await accepted.nth(2))?.lanes, world.lanes);
  await checkpointer.close();
});

t.test('a lane is named until its chain has ended', async (t) => {
  const { world, texts, start } = prepare(t);
  const other = laneAt(7, 'bbbbbbbbbbbb');
  world.lanes = [laneAt(1), other];
  const checkpointer = start();
  await checkpointer.soon();
  world.lanes = [laneAt(2)];
  await checkpointer.close();
  t.same(decodeCheckpoint(texts.at(-1) ?? '')?.lanes, [laneAt(2), other]);
  const again = start();
  world.lanes = [laneAt(3)];
  await again.soon();
  t.same(decodeCheckpoint(texts.at(-1) ?? '')?.lanes, [laneAt(3), other], 'after a restart');
  world.ended.add(other.name);
  await again.close();
  t.same(decodeCheckpoint(texts.at(-1) ?? '')?.lanes, [laneAt(3)]);
});

t.test('a database that was put back is not signed', async (t) => {
  const { world, texts, start, events } = prepare(t);
  world.lanes = [laneAt(9)];
  const checkpointer = start();
  await checkpointer.soon();
  world.lanes = [laneAt(8)];
  await checkpointer.soon();
  await checkpointer.soon();
  t.equal(texts.length, 1);
  t.match(events.slice(1), [/^failed: lane a+ states 8 entries; the last checkpoint has 9: /]);
  t.equal(events.length, 2, 'said once');
  world.lanes = [laneAt(10)];
  await checkpointer.close();
  t.equal(events.at(-1), 'recovered');
  t.equal(texts.length, 2);
});

t.test('a new day, and a lost key, stand in the next checkpoint', async (t) => {
  const { world, texts, start, directory, items, events } = prepare(t);
  const checkpointer = start();
  await checkpointer.soon();
  world.now += day;
  await checkpointer.close();
  t.equal(texts.length, 2, 'the key is new');
  const [first, second] = texts.map((text) => decodeCheckpoint(text));
  t.same(second?.key.signedBy?.key, first?.key.key);
  rmSync(join(directory, 'signing-key'));
  const again = start();
  await again.close();
  t.equal(texts.length, 3);
  t.not(decodeCheckpoint(texts[2] ?? '')?.key.first, first?.key.first);
  t.equal(items.at(-1)?.details?.['reason'], 'missing');
  t.equal(events.at(-1), 'key begun: the file of the signing key was missing');
});

t.test('a sealed vault signs nothing, and a name of the database that changes is said', async (t) => {
  const { world, vault, texts, start } = prepare(t);
  vault.unsealed = false;
  const checkpointer = start();
  await checkpointer.soon();
  t.same(texts, []);
  vault.unsealed = true;
  await checkpointer.soon();
  const [name = ''] = vault.storeNames;
  vault.storeNames = ['6'.repeat(32), name];
  world.lanes = [laneAt(2)];
  await checkpointer.close();
  const last = decodeCheckpoint(texts[1] ?? '');
  t.same([last?.store, last?.formerly], ['6'.repeat(32), name]);
});

t.test('a checkpoint that was not written to its end is cut off', async (t) => {
  const { world, texts, start, file } = prepare(t);
  const checkpointer = start();
  await checkpointer.soon();
  world.lanes = [laneAt(2)];
  await checkpointer.close();
  const whole = readFileSync(file);
  for (const length of [whole.length - 3, whole.length - 60, textsIn(file)[0]?.length ?? 0].values()) {
    writeFileSync(file, whole);
    truncateSync(file, length);
    world.lanes = [laneAt(3)];
    const again = start();
    await again.close();
    t.same(
      [...readCheckpointTexts(file)].map(({ kind }) => kind).filter((kind) => kind !== 'checkpoint'),
      [],
    );
    t.equal(textsIn(file).at(-1), texts.at(-1));
    t.equal(decodeCheckpoint(texts.at(-1) ?? '')?.previous, hashCheckpoint(textsIn(file).at(-2) ?? ''));
  }
});

t.test('files have a bounded size, and the newest checkpoint stays', async (t) => {
  const { directory, world, texts, start } = prepare(t);
  const checkpointer = start();
  await checkpointer.soon();
  world.lanes = [laneAt(2)];
  await checkpointer.close();
  const files = new CheckpointFiles(directory, 3_000);
  const [older, newer] = checkpointFilesIn(directory);
  const [text = ''] = texts.slice(-1);
  for (let round = 0; round < 20; round += 1) {
    await files.append(text);
    t.ok(statSync(newer).size <= 3_000);
    const { last } = await files.open(['5'.repeat(32)]);
    t.equal(last, text);
  }
  t.ok(statSync(older).size <= 3_000);
});

t.test('every byte of a checkpoint is signed', async (t) => {
  const { texts, start } = prepare(t);
  await start().close();
  const [text = ''] = texts;
  t.ok(decodeCheckpoint(text));
  for (const at of text.split('').keys()) {
    const altered = `${text.slice(0, at)}${text[at] === 'a' ? 'b' : 'a'}${text.slice(at + 1)}`;
    if (decodeCheckpoint(altered) !== undefined) t.fail(`position ${at} of ${JSON.stringify(text)}`);
  }
  for (const altered of [`${text}\n`, text.slice(0, -1), ` ${text}`, text.replace('\nlane', '\n\nlane')])
    t.equal(decodeCheckpoint(altered), undefined);
});

t.test('checkpoints are found among other lines', async (t) => {
  const { directory, texts, start } = prepare(t);
  await start().close();
  const [text = ''] = texts;
  const file = join(directory, 'given');
  const json = (member: string) => `${JSON.stringify({ time: 'x', [member]: text })}\n`;
  writeFileSync(file, `${text}\n\n${json('checkpoint')}${json('text')}`);
  t.same(textsIn(file), [text, text, text]);
  appendFileSync(file, 'something else\nand more\n');
  appendFileSync(file, text);
  appendFileSync(file, text.slice(0, 200));
  t.same(
    [...readCheckpointTexts(file)].map(({ kind }) => kind),
    ['checkpoint', 'checkpoint', 'checkpoint', 'damaged', 'checkpoint', 'torn'],
  );
});
