import type { ResultOf } from '../../management/api.ts';
import type { ListedRestorable } from '../../protocol/restorable-directory.ts';
import { type Command, homeOption, identifierArgument, jsonOption, print, storeOption } from '../command.ts';
import { formatTable, formatTime } from '../table.ts';
import { type StoreArguments, withMethods } from './method-calls.ts';

interface ListArguments extends StoreArguments {
  readonly json: boolean;
}

interface RestoreArguments extends StoreArguments {
  readonly id: string;
}

/** The command `object restorable`. */
export const objectRestorable: Command<ListArguments> = {
  command: 'restorable',
  isManaged: true,
  describe: 'List what clients have destroyed and can be restored',
  builder: (yargs) => yargs.options(homeOption).options(storeOption).options(jsonOption),
  async run({ json, ...args }) {
    const objects: ListedRestorable[] = [];
    await withMethods(
      args,
      async (call) => {
        for (let after: number | null = 0; after !== null; ) {
          const page: ResultOf<'object.restorable'> = await call('object.restorable', { after });
          objects.push(...page.objects);
          after = page.next;
        }
      },
      'read',
    );
    if (json) for (const each of objects) print(JSON.stringify(toJson(each)));
    else print(objects.length === 0 ? 'nothing can be restored' : formatObjects(objects));
  },
};

/** The command `object restore`. */
export const objectRestore: Command<RestoreArguments> = {
  command: 'restore <id>',
  isManaged: true,
  describe: 'Bring back an object that a client has destroyed, within its waiting period',
  builder: (yargs) =>
    yargs
      .positional('id', identifierArgument('Unique Identifier, see kmipd object restorable'))
      .options(homeOption)
      .options(storeOption),
  async run({ id, ...args }) {
    const { group, state } = await withMethods(args, (call) => call('object.restore', { id }));
    print(`restored ${id} of group ${group}; its state is ${state}, and grants of it have to be made anew`);
  },
};

function toJson({ destroyedAt, until, ...shown }: ListedRestorable) {
  return { ...shown, destroyedAt: formatTime(destroyedAt), until: formatTime(until) };
}

function formatObjects(objects: readonly ListedRestorable[]): string {
  const rows = objects.map(({ id, group, type, client, destroyedAt, until }) => [
    ...[id, group, type, client, formatTime(destroyedAt), formatTime(until)],
  ]);
  return formatTable([['OBJECT', 'GROUP', 'TYPE', 'DESTROYED BY', 'AT', 'RESTORABLE UNTIL'], ...rows]);
}
