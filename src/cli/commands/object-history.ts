import {
  type Command,
  homeOption,
  identifierArgument,
  jsonOption,
  printError,
  storeOption,
} from '../command.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';
import { printItems, readForward } from './audit/audit-output.ts';
import type { StoreArguments } from './object-candidate.ts';

interface Arguments extends StoreArguments {
  readonly id: string;
  readonly json: boolean;
}

/** The command `object history`. */
export const objectHistory: Command<Arguments> = {
  isManaged: true,
  command: 'history <id>',
  describe: 'Show everything that the audit log has about an object, from its birth on',
  builder: (yargs) =>
    yargs
      .positional('id', identifierArgument('Unique Identifier, also of an object that was purged'))
      .options(homeOption)
      .options(storeOption)
      .options(jsonOption),
  async run({ home, store, id, json }) {
    const { withManagement } = await import('../state-directory/management.ts');
    let count = 0;
    await withManagement(
      stateDirectoryAt(home),
      store,
      (call) =>
        readForward(call, { object: id }, 0, (items) => {
          count += items.length;
          printItems(items, json);
        }),
      { access: 'read' },
    );
    if (count === 0) printError(`the audit log has nothing about ${JSON.stringify(id)}`);
  },
};
