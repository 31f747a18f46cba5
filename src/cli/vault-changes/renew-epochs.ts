import { type RootChangeNote, writeChangeNote } from './change-note.ts';
import { beginEpoch, type EpochContext, endEpochs, sealAnew } from './seal-epochs.ts';

/**
 * Seals every row under an epoch that the former root has never wrapped, and ends the ones before. The note
 * says which epoch is the last one that it has wrapped.
 */
export async function renewEpochs(context: EpochContext, note: RootChangeNote): Promise<void> {
  const newest = await readNewest(context);
  const { lastEpoch = newest.epoch } = note;
  writeChangeNote(context.stateDirectory.rootChange, { ...note, lastEpoch });
  if (newest.epoch <= lastEpoch) await beginEpoch(context);
  await sealAnew(context, false);
  if ((await readNewest(context)).oldest > lastEpoch) return;
  await endEpochs(context);
}

async function readNewest({ call }: EpochContext) {
  const { epochs } = await call('vault.status', {});
  const [first, last] = [epochs.at(0), epochs.at(-1)];
  if (first === undefined || last === undefined) throw new TypeError('the vault has no epoch');
  return { ...last, oldest: first.epoch };
}
