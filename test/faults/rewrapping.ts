import { join } from 'node:path';
import type { ResultOf } from '../../src/management/api.ts';
import { connectManagement } from '../../src/management/client.ts';
import { CutOffError, type MaintenanceAct, type Round } from './maintenance-act.ts';

/** A seal epoch begins, with other secrets or not, and rows are sealed under it while clients write. */
export const rewrapping: MaintenanceAct = { name: 'rewrap', aim: 120, run: rewrapSome };

/** Pages of one act: all rows of a long campaign would take longer than its rounds. */
const maxPages = 6;

/** Indexes at a time: an act that ends none begins no more. */
const maxIndexes = 3;

async function rewrapSome({ server, isKilled, random }: Round, begin: () => void): Promise<void> {
  const connection = await connectManagement(join(server.home, 'kmipd.sock'));
  begin();
  let rewrapped = 0;
  try {
    if (connection === undefined) throw new Error('no daemon answers at the management socket');
    const { indexEpochs } = await connection.call('vault.status', {});
    const renewsSecrets = indexEpochs.length < maxIndexes && random.chance(50);
    const { epoch } = await connection.call('vault.rotate', { renewsSecrets });
    const { epochs } = await connection.call('vault.status', {});
    if (!epochs.some((each) => each.epoch === epoch && each.state === 'active'))
      throw new Error(`epoch ${epoch} is not in use`);
    const table = random.chance(30) ? 'sealed_record' : 'managed_object';
    const { highest } = await connection.call('vault.rewrap', { table, after: 0, dryRun: true });
    let after: number | null = random.below(Math.max(1, highest));
    for (let page = 0; page < maxPages && after !== null; page += 1) {
      const done: ResultOf<'vault.rewrap'> = await connection.call('vault.rewrap', {
        table,
        after,
        dryRun: false,
      });
      if (done.broken.length > 0) throw new Error(`${done.broken} do not open`);
      rewrapped += done.rewrapped;
      after = done.next;
    }
  } catch (error) {
    throw isKilled() ? new CutOffError(() => rewrapped > 0) : error;
  } finally {
    connection?.close();
  }
}
