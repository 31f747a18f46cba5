import { type RootChangeNote, writeChangeNote } from './change-note.ts';
import { beginEpoch, type EpochContext, endEpochs, sealAnew } from './seal-epochs.ts';

/**
 * Seals every row under an epoch that the previous root has never wrapped, with an index and a set secret of
 * its own, and ends the ones before. The note says which epoch is the last one that it has wrapped.
 */
export async function renewEpochs(context: EpochContext, note: RootChangeNote): Promise<void> {
  const before = await readEpochs(context);
  const { lastEpoch = before.newest } = note;
  writeChangeNote(context.stateDirectory.rootChange, { ...note, lastEpoch });
  if (before.newestIndex <= lastEpoch) await beginEpoch(context, true);
  await sealAnew(context, false);
  const { oldest, isOneIndex } = await readEpochs(context);
  if (oldest <= lastEpoch || !isOneIndex) await endEpochs(context);
}

async function readEpochs({ call }: EpochContext) {
  const { epochs, indexEpochs } = await call('vault.status', {});
  const [first, last, newestIndex] = [epochs.at(0), epochs.at(-1), indexEpochs.at(-1)];
  if (first === undefined || last === undefined || newestIndex === undefined)
    throw new TypeError('the vault has no epoch');
  const isOneIndex = indexEpochs.length === 1;
  return { oldest: first.epoch, newest: last.epoch, newestIndex, isOneIndex };
}
