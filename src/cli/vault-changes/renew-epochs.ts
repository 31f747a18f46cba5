import { setTimeout as sleep } from 'node:timers/promises';
import { print } from '../command.ts';
import { type RootChangeNote, writeChangeNote } from './change-note.ts';
import { beginEpoch, type EpochPlace, endEpochs, sealAnew, withVault } from './seal-epochs.ts';

/**
 * Seals every row under an epoch that the former root has never wrapped, and ends the ones before. The note
 * says which epoch is the last one that it has wrapped.
 * @param activationSeconds of the configuration
 */
export async function renewEpochs(
  place: EpochPlace,
  note: RootChangeNote,
  activationSeconds: number,
): Promise<void> {
  const newest = await readNewest(place);
  const { lastEpoch = newest.epoch } = note;
  writeChangeNote(place.stateDirectory.rootChange, { ...note, lastEpoch });
  if (newest.epoch <= lastEpoch) await beginEpoch(place);
  await sealAnew(place, false);
  const { createdAt, oldest } = await readNewest(place);
  if (oldest > lastEpoch) return;
  // See `findEpochEnd`.
  const seconds = createdAt + 2 * activationSeconds - Date.now() / 1000;
  if (seconds > 0) {
    print(`waiting ${Math.ceil(seconds)} seconds until no message uses the epochs before`);
    await sleep(seconds * 1000 + 1000);
  }
  await endEpochs(place);
}

async function readNewest(place: EpochPlace) {
  const { epochs } = await withVault(place, (call) => call('vault.status', {}));
  const [first, last] = [epochs.at(0), epochs.at(-1)];
  if (first === undefined || last === undefined) throw new TypeError('the vault has no epoch');
  return { ...last, oldest: first.epoch };
}
