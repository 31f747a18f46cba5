import type { ConfigOverrides } from '../../config/index.ts';
import { readAddress, readStoreUrl } from '../../config/values.ts';
import { type Command, readOption, withListenerOptions } from '../command.ts';
import { lockStateDirectory } from '../state-directory/lock.ts';
import {
  initialisationState,
  type StateDirectory,
  stateDirectoryAt,
} from '../state-directory/state-directory.ts';
import { type ListenerArguments, readListenerSettings } from './init.ts';

/** Runs the daemon of an initialised state directory; resolves once it has drained and closed. */
export type Boot = (stateDirectory: StateDirectory, overrides: ConfigOverrides) => Promise<void>;

interface Arguments extends ListenerArguments {
  readonly interop?: boolean;
  readonly fips?: boolean;
}

export function createServeCommand(boot: Boot): Command<Arguments> {
  return {
    command: 'serve',
    describe: 'Run the daemon; a fresh home is initialised first',
    builder: (yargs) =>
      withListenerOptions(yargs)
        .option('interop', {
          type: 'boolean',
          describe: 'Enable the Interop operation of conformance tests; never in production',
        })
        .option('fips', {
          type: 'boolean',
          describe: "Nothing but what FIPS 140-3 approves, by OpenSSL's FIPS provider",
        }),
    async run(args) {
      const home = stateDirectoryAt(args.home);
      const overrides = readOverrides(args);
      // Other commands send SIGHUP to the process that the lock names; before boot listens, that would end it.
      process.on('SIGHUP', () => {});
      const lock = lockStateDirectory(home);
      try {
        if (initialisationState(home) !== 'ready') {
          const { initialise } = await import('../state-directory/initialise.ts');
          await initialise(home, { settings: readListenerSettings(args), key: 'ec' });
        }
        await boot(home, overrides);
      } finally {
        lock.release();
      }
    },
  };
}

function readOverrides(args: Arguments): ConfigOverrides {
  const listen = readOption('listen', args.listen, readAddress);
  const https = readOption('https', args.https, readAddress);
  const metrics = readOption('metrics', args.metrics, readAddress);
  const store = readOption('store', args.store, readStoreUrl);
  return {
    ...(listen && { listen }),
    ...(https && { https }),
    ...(metrics && { metrics }),
    ...(store && { store }),
    ...(args.interop !== undefined && { interop: args.interop }),
    ...(args.fips !== undefined && { fips: args.fips }),
  };
}
