import type { Test } from 'tap';
import { Destroy } from '../../src/operations/lifecycle/destroy.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { TestRecorder } from './audit/test-recorder.ts';
import { type FullObject, insertOperation, objectTypes } from './full-objects.ts';
import { gatedOperation } from './jobs.ts';
import { enrolKnown, registerKnown, writeGroupState } from './known-objects.ts';
import { KnownValues } from './known-values.ts';
import { outcome, succeed } from './operations/ask.ts';
import { TestService } from './service.ts';

/** A database, and everything that whoever reads it sees: files, or rows. */
export interface ReadableDatabase {
  readonly store: string;
  /** All bytes as they are now. */
  read(): Promise<readonly Uint8Array[]>;
  /** Overwrites what the database keeps until then of replaced rows. */
  checkpoint(): Promise<void>;
}

/** Tests that a database contains nothing of what clients and operators write in a form that can be read. */
export async function nothingReadableSuite(
  t: Test,
  { store, read, checkpoint }: ReadableDatabase,
): Promise<void> {
  const known = new KnownValues();
  const group = `group-${crypto.randomUUID()}`;
  known.know(group, 'the group');
  const objects: FullObject[] = objectTypes().flatMap((type) =>
    [false, true].map((destroyed) => ({
      id: crypto.randomUUID(),
      type,
      variant: 0,
      destroyed,
      values: known,
    })),
  );
  const gate = gatedOperation('RNGSeed');
  const service = await TestService.open({
    store,
    uniqueNames: true,
    extra: [insertOperation(() => objects), gate.operation],
    limits: { drainMilliseconds: 1 },
    audit: new TestRecorder({ hasNames: true }),
  });
  t.teardown(async () => {
    gate.open();
    await service.close();
  });
  service.sender = { group, client: known.text(), fingerprint: known.text(), enrolledAt: 1 };
  const { sender } = service;

  t.equal((await service.call('2.1', 'Ping')).status, 'Success', 'objects with every attribute and field');
  const ids = await registerKnown(service, known);
  await writeGroupState(service, known, ids[0] as string);
  await enrolKnown(service, known, group);
  service.sender = sender;

  // The same search finds what is documented as readable, so it would find other values too.
  const all = [...objects.map(({ id }) => id), ...ids];
  for (const id of all) known.know(id, `object ${id}`);
  const readable = ['the group', ...all.map((id) => `object ${id}`)].sort();

  await t.test('no value is found in any notation, and no digest of one', async (t) => {
    t.ok(known.patterns > 10_000, `${known.patterns} patterns`);
    t.same(known.find(await read()), readable);
  });

  await t.test('nor after objects were destroyed', async (t) => {
    for (const UniqueIdentifier of ids) {
      await succeed(service, '2.1', Destroy, { UniqueIdentifier });
      t.not(await outcome(service, '2.1', Get, { UniqueIdentifier }), 'Success');
    }
    t.same(known.find(await read()), readable);
    await checkpoint();
    t.same(known.find(await read()), readable, 'after a checkpoint');
  });
}
