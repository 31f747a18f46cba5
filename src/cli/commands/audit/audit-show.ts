import { setTimeout as sleep } from 'node:timers/promises';
import type { EntryFilter } from '../../../audit/entry-filter.ts';
import {
  type Command,
  homeOption,
  identifierArgument,
  jsonOption,
  readTime,
  readWholeNumber,
  requirePlainName,
  storeOption,
} from '../../command.ts';
import { stateDirectoryAt } from '../../state-directory/state-directory.ts';
import { printItems, readForward, readNewest } from './audit-output.ts';

interface Arguments {
  readonly home: string;
  readonly store?: string;
  readonly json: boolean;
  readonly follow: boolean;
  readonly limit?: string;
  readonly client?: string;
  readonly object?: string;
  readonly operation?: string;
  readonly result?: string;
  readonly since?: string;
  readonly until?: string;
}

/** Items that are shown unless another number is given. */
const usualItems = 100;
const maxItems = 1_000_000;
const followMilliseconds = 500;

/** The command `audit show`. */
export const auditShow: Command<Arguments> = {
  isManaged: true,
  command: 'show',
  describe: 'Show who did what, the newest last',
  builder: (yargs) =>
    yargs
      .options(homeOption)
      .options(storeOption)
      .option('client', {
        type: 'string',
        requiresArg: true,
        describe: 'Only of this client or administrator',
      })
      .option('object', { ...identifierArgument('Only about this Unique Identifier'), requiresArg: true })
      .option('operation', {
        type: 'string',
        requiresArg: true,
        describe: 'Only this operation, such as Get',
      })
      .option('result', {
        type: 'string',
        choices: ['success', 'failure'],
        describe: 'Only with this result',
      })
      .option('since', { type: 'string', requiresArg: true, describe: 'Only from this time on, ISO 8601' })
      .option('until', { type: 'string', requiresArg: true, describe: 'Only until this time' })
      .option('limit', {
        type: 'string',
        requiresArg: true,
        describe: `How many of the newest; ${usualItems} when left out, 0 for all`,
      })
      .option('follow', {
        type: 'boolean',
        default: false,
        describe: 'Go on with what is recorded from now on',
      })
      .options(jsonOption)
      .example('$0 audit show --client backup --result failure', 'what a client was refused'),
  async run(args) {
    const { home, store, json, follow } = args;
    const filter = readFilter(args);
    const limit = readWholeNumber('limit', args.limit, { min: 0, max: maxItems }) ?? usualItems;
    const { withManagement } = await import('../../state-directory/management.ts');
    await withManagement(
      stateDirectoryAt(home),
      store,
      async (call) => {
        let place = 0;
        if (limit === 0) place = await readForward(call, filter, 0, (items) => printItems(items, json));
        else {
          const newest = await readNewest(call, filter, limit);
          printItems(newest.items, json);
          place = newest.row;
        }
        while (follow) {
          await sleep(followMilliseconds);
          place = await readForward(call, filter, place, (items) => printItems(items, json));
        }
      },
      { access: 'read' },
    );
  },
};

/** @throws {UsageError} for a time that is none, or a name that no client has. */
function readFilter({ client, object, operation, result, since, until }: Arguments): EntryFilter {
  return {
    ...(client !== undefined && { client: requirePlainName('the client', client) }),
    ...(object !== undefined && { object }),
    ...(operation !== undefined && { operation }),
    ...(result !== undefined && { isSuccess: result === 'success' }),
    ...(since !== undefined && { since: readTime('since', since) }),
    ...(until !== undefined && { until: readTime('until', until) }),
  };
}
