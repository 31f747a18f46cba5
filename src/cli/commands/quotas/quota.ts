import type { QuotaSummary } from '../../../management/quota-api.ts';
import {
  type Command,
  type CommandGroup,
  homeOption,
  jsonOption,
  print,
  readWholeNumber,
  requirePlainName,
  storeOption,
} from '../../command.ts';
import { UsageError } from '../../failure.ts';
import { formatTable, formatTime } from '../../table.ts';
import { type StoreArguments, withMethods } from '../method-calls.ts';

interface RemoveArguments extends StoreArguments {
  readonly group: string;
}

interface SetArguments extends RemoveArguments {
  readonly objects: string;
}

interface ListArguments extends StoreArguments {
  readonly json: boolean;
}

const groupArgument = { type: 'string', describe: 'Group of clients' } as const;

/** More objects than any database of kmipd has. */
const maxObjects = 1_000_000_000;

/** The command `quota set`. */
const quotaSet: Command<SetArguments> = {
  command: 'set <group>',
  isManaged: true,
  describe: 'Limit how many objects a group may have that are not destroyed',
  builder: (yargs) =>
    yargs
      .positional('group', groupArgument)
      .option('objects', {
        type: 'string',
        demandOption: true,
        requiresArg: true,
        describe: 'The most objects; a group that has more keeps them and makes no new ones',
      })
      .options(homeOption)
      .options(storeOption)
      .example('$0 quota set payments --objects 10000', ''),
  async run({ group: given, objects: text, ...args }) {
    const group = requirePlainName('the group', given);
    const objects = readWholeNumber('objects', text, { min: 0, max: maxObjects });
    if (objects === undefined) throw new UsageError('how many objects? give --objects N');
    const set = await withMethods(args, (call) => call('quota.set', { group, objects }));
    const verb = set.isReplaced ? 'may, in place of its quota of before,' : 'may';
    print(`group ${group} ${verb} have ${objects} objects; it has ${set.objects}`);
    if (set.objects > objects) print('it makes no new ones until enough of them are destroyed');
    if (!set.hasClients) print(`no client of group ${group} is enrolled`);
  },
};

/** The command `quota remove`. */
const quotaRemove: Command<RemoveArguments> = {
  command: 'remove <group>',
  isManaged: true,
  describe: 'Remove the quota of a group',
  builder: (yargs) => yargs.positional('group', groupArgument).options(homeOption).options(storeOption),
  async run({ group: given, ...args }) {
    const group = requirePlainName('the group', given);
    await withMethods(args, (call) => call('quota.remove', { group }));
    print(`group ${group} may have any number of objects`);
  },
};

/** The command `quota list`. */
const quotaList: Command<ListArguments> = {
  command: 'list',
  isManaged: true,
  describe: 'List the quotas of groups with the objects that count',
  builder: (yargs) => yargs.options(homeOption).options(storeOption).options(jsonOption),
  async run({ json, ...args }) {
    const quotas = await withMethods(args, (call) => call('quota.list', {}), 'read');
    if (json) for (const quota of quotas) print(JSON.stringify(toJson(quota)));
    else print(formatQuotas(quotas));
  },
};

/** The commands `quota`. */
export const quotaCommands: CommandGroup = {
  command: 'quota',
  describe: 'Limit how many objects groups may have',
  commands: [quotaSet, quotaList, quotaRemove],
};

function toJson({ setAt, ...quota }: QuotaSummary) {
  return { ...quota, set: formatTime(setAt) };
}

function formatQuotas(quotas: readonly QuotaSummary[]): string {
  if (quotas.length === 0) return 'no group has a quota';
  const rows = quotas.map(({ group, limit, objects, setAt }) => [
    ...[group, String(limit), String(objects), formatTime(setAt)],
  ]);
  return formatTable([['GROUP', 'LIMIT', 'OBJECTS', 'SINCE'], ...rows]);
}
