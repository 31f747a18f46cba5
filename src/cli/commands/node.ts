import { setTimeout as sleep } from 'node:timers/promises';
import type { ManagementCall } from '../../management/api.ts';
import type { NodeSummary } from '../../management/managed-nodes.ts';
import { type Command, type CommandGroup, homeOption, jsonOption, print, storeOption } from '../command.ts';
import { formatTable, formatTime } from '../table.ts';
import { type StoreArguments, withMethods } from './method-calls.ts';

interface ListArguments extends StoreArguments {
  readonly json: boolean;
}

interface RemoveArguments extends StoreArguments {
  readonly name: string;
  readonly yes?: boolean;
}

/** How long a node is watched before it is removed. */
const watchMilliseconds = 3_000;

/** The command `node list`. */
const nodeList: Command<ListArguments> = {
  command: 'list',
  isManaged: true,
  describe: 'List the nodes: the homes whose daemon or commands have written to the database',
  builder: (yargs) => yargs.options(homeOption).options(storeOption).options(jsonOption),
  async run(args) {
    const nodes = await withMethods(args, (call) => call('node.list', {}), 'read');
    if (args.json) for (const node of nodes) print(JSON.stringify(toJson(node)));
    else print(formatNodes(nodes));
  },
};

/** The command `node remove`. */
const nodeRemove: Command<RemoveArguments> = {
  command: 'remove <name>',
  isManaged: true,
  describe: 'Remove a node whose home is gone for good; what it has written stays',
  builder: (yargs) =>
    yargs
      .positional('name', { type: 'string', describe: 'Name of the node, see kmipd node list' })
      .options(homeOption)
      .options(storeOption)
      .option('yes', { type: 'boolean', describe: 'Do it; without it, the node is only shown' })
      .example('$0 node remove 5d0c8a1b2c3d --yes', 'after its daemon was stopped and its home removed'),
  async run(args) {
    const { name } = args;
    if (args.yes !== true) {
      const node = await withMethods(args, (call) => call('node.remove', { name }), 'read');
      print(formatNodes([node]));
      print(
        `--yes removes it: its lanes (${node.lanes.join(', ')}) are added to that of this node and deleted; a daemon that still runs there stops writing`,
      );
      return;
    }
    const { lanes } = await withMethods(args, (call) => remove(call, name), 'write');
    print(`node ${name} is removed (${lanes.join(', ')}); what it has written stays`);
    print('if its home is still there, remove the file "node" in it before kmipd starts there again');
  },
};

/** The commands `node`. */
export const nodeCommands: CommandGroup = {
  command: 'node',
  describe: 'List the nodes that write to the database, remove those that are gone',
  commands: [nodeList, nodeRemove],
};

/** Removes a node that writes nothing while it is watched. */
async function remove(call: ManagementCall, name: string): Promise<NodeSummary> {
  const { commits } = await call('node.remove', { name });
  await sleep(watchMilliseconds);
  return call('node.remove', { name, commits });
}

function toJson({ name, isOwn, lanes, commits, keyring, writtenAt }: NodeSummary) {
  const written = writtenAt === null ? null : formatTime(writtenAt);
  return { name, thisNode: isOwn, lanes, commits, keyring, written };
}

function formatNodes(nodes: readonly NodeSummary[]): string {
  const rows = nodes.map(({ name, isOwn, lanes, commits, keyring, writtenAt }) => [
    ...[name, String(lanes.length), String(commits), String(keyring)],
    ...[writtenAt === null ? 'unknown' : formatTime(writtenAt), isOwn ? 'this node' : ''],
  ]);
  if (rows.length === 0) return 'no node has written to the database';
  return formatTable([['NAME', 'LANES', 'COMMITS', 'KEYRING', 'LAST WRITTEN', ''], ...rows]);
}
