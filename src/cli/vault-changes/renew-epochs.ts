import { type RootChangeNote, writeChangeNote } from './change-note.ts';
import { beginEpoch, type EpochPlace, endEpochs, sealAnew, withVault } from './seal-epochs.ts';

/**
 * Seals every row under an epoch that the former root has never wrapped, and ends the ones before. The note
 * says which epoch is the last one that it has wrapped.
 */
export async function renewEpochs(place: EpochPlace, note: RootChangeNote): Promise<void> {
  const newest = await readNewest(place);
  const { lastEpoch = newest.epoch } = note;
  writeChangeNote(place.stateDirectory.rootChange, { ...note, lastEpoch });
  if (newest.epoch <= lastEpoch) await beginEpoch(place);
  await sealAnew(place, false);
  if ((await readNewest(place)).oldest > lastEpoch) return;
  await endEpochs(place);
}

async function readNewest(place: EpochPlace) {
  const { epochs } = await withVault(place, (call) => call('vault.status', {}));
  const [first, last] = [epochs.at(0), epochs.at(-1)];
  if (first === undefined || last === undefined) throw new TypeError('the vault has no epoch');
  return { ...last, oldest: first.epoch };
}
