import type { ResultOf } from '../../src/management/api.ts';
import type { MaintenanceAct, Round } from './maintenance-act.ts';
import { manageDaemon } from './manage-daemon.ts';

/** A seal epoch begins, with other secrets or not, and rows are sealed under it while clients write. */
export const rewrapping: MaintenanceAct = { name: 'rewrap', aim: 120, run: rewrapSome };

/** Pages of one act: all rows of a long campaign would take longer than its rounds. */
const maxPages = 6;

/** Indexes at a time: an act that ends none begins no more. */
const maxIndexes = 3;

function rewrapSome(round: Round, begin: () => void): Promise<void> {
  const { random } = round;
  let rewrapped = 0;
  return manageDaemon(
    round,
    begin,
    async (call) => {
      const { indexEpochs } = await call('vault.status', {});
      const renewsSecrets = indexEpochs.length < maxIndexes && random.chance(50);
      const { epoch } = await call('vault.rotate', { renewsSecrets });
      const { epochs } = await call('vault.status', {});
      if (!epochs.some((each) => each.epoch === epoch && each.state === 'active'))
        throw new Error(`epoch ${epoch} is not in use`);
      const table = random.chance(30) ? 'sealed_record' : 'managed_object';
      const { highest } = await call('vault.rewrap', { table, after: 0, dryRun: true });
      let after: number | null = random.below(Math.max(1, highest));
      for (let page = 0; page < maxPages && after !== null; page += 1) {
        const done: ResultOf<'vault.rewrap'> = await call('vault.rewrap', { table, after, dryRun: false });
        if (done.broken.length > 0) throw new Error(`${done.broken} do not open`);
        rewrapped += done.rewrapped;
        after = done.next;
      }
    },
    () => rewrapped > 0,
  );
}
