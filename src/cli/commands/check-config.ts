import { dirname, resolve } from 'node:path';
import { readConfigFile } from '../../config/index.ts';
import { type Command, homeOption, print } from '../command.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';

interface Arguments {
  readonly file?: string;
  readonly home: string;
}

/** The command `check-config`. */
export const checkConfig: Command<Arguments> = {
  command: 'check-config [file]',
  describe: 'Check the configuration without starting anything',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', describe: 'Another file than HOME/kmipd.toml' })
      .options(homeOption),
  async run({ file, home }) {
    const path = file === undefined ? stateDirectoryAt(home).config : resolve(file);
    readConfigFile(path, dirname(path));
    print(`${path}: ok`);
  },
};
