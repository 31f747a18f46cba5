import {
  type Command,
  homeOption,
  identifierArgument,
  jsonOption,
  printError,
  storeOption,
} from '../command.ts';
import { printItems, readForward } from './audit/audit-output.ts';
import { type StoreArguments, withMethods } from './method-calls.ts';

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
  async run({ id, json, ...args }) {
    let count = 0;
    const printAll = (items: Parameters<typeof printItems>[0]) => {
      count += items.length;
      printItems(items, json);
    };
    await withMethods(args, (call) => readForward(call, { object: id }, 0, printAll), 'read');
    if (count === 0) printError(`the audit log has nothing about ${JSON.stringify(id)}`);
  },
};
