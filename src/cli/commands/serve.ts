import type { ConfigOverrides } from '../../config/index.ts';
import { address, store as readStore } from '../../config/values.ts';
import { type Command, readOption, withListenerOptions } from '../command.ts';
import { lockStateDirectory } from '../state-directory/lock.ts';
import { type StateDirectory, stateDirectoryAt, stateOf } from '../state-directory/state-directory.ts';
import { type ListenerArguments, settingsOf } from './init.ts';

/** Runs the daemon of an initialised state directory; resolves once it has drained and closed. */
export type Boot = (stateDirectory: StateDirectory, overrides: ConfigOverrides) => Promise<void>;

interface Arguments extends ListenerArguments {
  readonly interop?: boolean;
  readonly fips?: boolean;
}

export function serveWith(boot: Boot): Command<Arguments> {
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
    async run(given) {
      const home = stateDirectoryAt(given.home);
      const overrides = overridesOf(given);
      // Other commands send SIGHUP to the process that the lock names; before boot listens, that would end it.
      process.on('SIGHUP', () => {});
      const lock = lockStateDirectory(home);
      try {
        if (stateOf(home) !== 'ready') {
          const { initialise } = await import('../state-directory/initialise.ts');
          await initialise(home, { settings: settingsOf(given), key: 'ec' });
        }
        await boot(home, overrides);
      } finally {
        lock.release();
      }
    },
  };
}

function overridesOf(given: Arguments): ConfigOverrides {
  const listen = readOption('listen', given.listen, address);
  const https = readOption('https', given.https, address);
  const metrics = readOption('metrics', given.metrics, address);
  const store = readOption('store', given.store, readStore);
  return {
    ...(listen && { listen }),
    ...(https && { https }),
    ...(metrics && { metrics }),
    ...(store && { store }),
    ...(given.interop !== undefined && { interop: given.interop }),
    ...(given.fips !== undefined && { fips: given.fips }),
  };
}
