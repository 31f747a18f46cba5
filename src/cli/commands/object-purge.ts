import type { ResultOf } from '../../management/api.ts';
import { type Command, homeOption, print, readWholeNumber, storeOption } from '../command.ts';
import { UsageError } from '../failure.ts';
import { type StoreArguments, withMethods } from './method-calls.ts';

interface Arguments extends StoreArguments {
  readonly days?: string;
  readonly yes?: boolean;
}

const maxDays = 36_500;
const daySeconds = 86_400;

/** The command `object purge`. */
export const objectPurge: Command<Arguments> = {
  command: 'purge',
  isManaged: true,
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
  async run(args) {
    const { days: text, yes = false } = args;
    const days = readWholeNumber('days', text, { min: 0, max: maxDays });
    if (days === undefined)
      throw new UsageError('for how long? give --days N; objects that were destroyed later stay as they are');
    const destroyedUntil = Math.max(0, Math.floor(Date.now() / 1000) - days * daySeconds);
    const options = { destroyedUntil, dryRun: !yes };
    let count = 0;
    await withMethods(args, async (call) => {
      for (let after: number | null = 0; after !== null; ) {
        const page: ResultOf<'object.purge'> = await call('object.purge', { after, ...options });
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
