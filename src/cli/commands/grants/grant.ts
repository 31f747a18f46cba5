import { type GrantSummary, nameGrantee } from '../../../management/grant-api.ts';
import {
  type Command,
  type CommandGroup,
  homeOption,
  identifierArgument,
  jsonOption,
  print,
  readTime,
  requirePlainName,
  storeOption,
} from '../../command.ts';
import { UsageError } from '../../failure.ts';
import { formatTable, formatTime } from '../../table.ts';
import { type StoreArguments, withMethods } from '../method-calls.ts';

interface GranteeArguments {
  readonly client?: string;
  readonly group?: string;
}

interface AddArguments extends StoreArguments, GranteeArguments {
  readonly object: string;
  readonly operations: string;
  readonly until?: string;
}

interface ListArguments extends StoreArguments {
  readonly object?: string;
  readonly json: boolean;
}

interface RemoveArguments extends StoreArguments, GranteeArguments {
  readonly object: string;
}

const objectArgument = identifierArgument('Unique Identifier of the object');

const granteeOptions = {
  client: { type: 'string', requiresArg: true, describe: 'Name of the client of another group' },
  group: { type: 'string', requiresArg: true, describe: 'Another group, all of whose clients are meant' },
} as const;

/** The command `grant add`. */
const grantAdd: Command<AddArguments> = {
  command: 'add <object>',
  isManaged: true,
  describe: 'Let a client of another group, or all of one, use an object by the operations named',
  builder: (yargs) =>
    yargs
      .positional('object', objectArgument)
      .options(granteeOptions)
      .option('operations', {
        type: 'string',
        demandOption: true,
        requiresArg: true,
        describe: 'Operations by their KMIP names, separated by commas, such as Get,Encrypt',
      })
      .option('until', {
        type: 'string',
        requiresArg: true,
        describe: 'When the grant ends, ISO 8601 [never]',
      })
      .options(homeOption)
      .options(storeOption)
      .conflicts('group', 'client')
      .example('$0 grant add ID --client reports --operations Decrypt --until 2027-01-01', ''),
  async run({ object, operations, until, ...args }) {
    const grantee = readGrantee(args);
    const names = operations.split(',').map((name) => name.trim());
    const seconds = until === undefined ? {} : { until: Math.floor(readTime('until', until) / 1000) };
    const added = await withMethods(args, (call) =>
      call('grant.add', { object, ...grantee, operations: names, ...seconds }),
    );
    const end = seconds.until === undefined ? '' : ` until ${formatTime(seconds.until)}`;
    const verb = added.isReplaced ? 'may, in place of what was granted before,' : 'may';
    print(
      `${nameGrantee(grantee)} ${verb} use ${object} of group ${added.group} by ${names.join(', ')}${end}`,
    );
    if (added.unpermitted.length > 0)
      print(`its role does not permit ${added.unpermitted.join(', ')}, so the grant gives nothing there`);
  },
};

/** The command `grant list`. */
const grantList: Command<ListArguments> = {
  command: 'list [object]',
  isManaged: true,
  describe: 'List the grants of an object, or all',
  builder: (yargs) =>
    yargs.positional('object', objectArgument).options(homeOption).options(storeOption).options(jsonOption),
  async run({ object, json, ...args }) {
    const asked = object === undefined ? {} : { object };
    const grants = await withMethods(args, (call) => call('grant.list', asked), 'read');
    if (json) for (const grant of grants) print(JSON.stringify(toJson(grant)));
    else print(formatGrants(grants));
  },
};

/** The command `grant remove`. */
const grantRemove: Command<RemoveArguments> = {
  command: 'remove <object>',
  isManaged: true,
  describe: 'Remove what was granted to a client or to a group; the next request is refused',
  builder: (yargs) =>
    yargs
      .positional('object', objectArgument)
      .options(granteeOptions)
      .options(homeOption)
      .options(storeOption)
      .conflicts('group', 'client'),
  async run({ object, ...args }) {
    const grantee = readGrantee(args);
    await withMethods(args, (call) => call('grant.remove', { object, ...grantee }));
    print(`${nameGrantee(grantee)} has no grant of ${object} any more; values that it has fetched it keeps`);
  },
};

/** The commands `grant`. */
export const grantCommands: CommandGroup = {
  command: 'grant',
  describe: 'Let clients of other groups use single objects',
  commands: [grantAdd, grantList, grantRemove],
};

/** @throws {UsageError} when there is no grantee, or its name is not possible */
function readGrantee({ client, group }: GranteeArguments): GranteeArguments {
  if (client !== undefined) return { client: requirePlainName('the client', client) };
  if (group !== undefined) return { group: requirePlainName('the group', group) };
  throw new UsageError('to whom? give --client NAME or --group GROUP');
}

function toJson({ grantedAt, until, ...grant }: GrantSummary) {
  return { ...grant, granted: formatTime(grantedAt), until: until === null ? null : formatTime(until) };
}

function formatGrants(grants: readonly GrantSummary[]): string {
  if (grants.length === 0) return 'nothing is granted';
  const rows = grants.map(({ object, owner, client, group, operations, until, state }) => [
    ...[object, owner, client === null ? `group ${group}` : `client ${client}`, operations.join(',')],
    ...[until === null ? 'never' : formatTime(until), state],
  ]);
  return formatTable([['OBJECT', 'GROUP', 'GRANTED TO', 'OPERATIONS', 'ENDS', 'STATE'], ...rows]);
}
