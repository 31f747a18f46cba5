import { dirname, resolve } from 'node:path';
import { type Config, ConfigError, readConfigFile } from '../../config/index.ts';
import { type Command, homeOption, print, printError } from '../command.ts';
import { type StateDirectory, stateDirectoryAt } from '../state-directory/state-directory.ts';

/** Opens what the daemon would open; see `inspect` in daemon/inspection.ts. */
export type Inspect = (
  stateDirectory: StateDirectory,
  config: Config,
) => Promise<{ readonly problems: readonly string[]; readonly warnings: readonly string[] }>;

interface Arguments {
  readonly file?: string;
  readonly home: string;
}

/** Creates the command `check-config`. */
export function createCheckConfigCommand(inspect: Inspect): Command<Arguments> {
  return {
    command: 'check-config [file]',
    describe: 'Check the configuration and all that serve would open, without starting anything',
    builder: (yargs) =>
      yargs
        .positional('file', { type: 'string', describe: 'Another file than HOME/kmipd.toml' })
        .options(homeOption),
    async run({ file, home }) {
      const stateDirectory = stateDirectoryAt(home);
      const path = file === undefined ? stateDirectory.config : resolve(file);
      const config = readConfigFile(path, dirname(path));
      const { problems, warnings } = await inspect(stateDirectory, config);
      for (const warning of warnings) printError(`kmipd: warning: ${warning}`);
      if (problems.length > 0) throw new ConfigError(problems);
      print(`${path}: ok`);
    },
  };
}
