import { integerBetween } from '../../config/values.ts';
import type { PurgedPage } from '../../protocol/purge.ts';
import { type Command, homeOption, print, readOption, storeOption } from '../command.ts';
import { UsageError } from '../failure.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';
import type { StoreArguments } from './object-candidate.ts';

interface Arguments extends StoreArguments {
  readonly days?: string;
  readonly yes?: boolean;
}

const maxDays = 36_500;
const daySeconds = 86_400;

/** The command `object purge`. */
export const objectPurge: Command<Arguments> = {
  command: 'purge',
  describe: 'Remove names, texts and other attributes of objects that were destroyed long ago',
  builder: (yargs) =>
    yargs
      .options(homeOption)
      .options(storeOption)
      .option('days', {
        type: 'string',
        requiresArg: true,
        describe: 'For how many days they have been destroyed at least',
      })
      .option('yes', { type: 'boolean', describe: 'Do it; without it, they are counted' })
      .example('$0 object purge --days 90 --yes', 'what was destroyed three months ago'),
  async run({ home, store, days: text, yes = false }) {
    const days = readOption('days', text, (value) => integerBetween(0, maxDays)(Number(value), ''));
    if (days === undefined)
      throw new UsageError('for how long? give --days N; objects that were destroyed later stay as they are');
    const { purgePage } = await import('../../protocol/purge.ts');
    const { withBackends } = await import('../state-directory/backends.ts');
    const now = Math.floor(Date.now() / 1000);
    const options = { destroyedUntil: now - days * daySeconds, now, dryRun: !yes };
    let count = 0;
    await withBackends(stateDirectoryAt(home), store, async ({ snapshot, ...backends }) => {
      const list = (after: number) => snapshot((rows) => rows.objects(after));
      for (let after: number | null = 0; after !== null; ) {
        const page: PurgedPage = await purgePage({ ...backends, list }, after, options);
        [count, after] = [count + page.count, page.next];
      }
    });
    print(
      yes
        ? `purged ${count} objects; identifier, type, state and dates stay`
        : `${count} objects were destroyed so long ago and are not purged yet; --yes purges them for good`,
    );
  },
};
