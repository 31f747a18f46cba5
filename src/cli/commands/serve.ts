import type { ConfigOverrides } from '../../config/index.ts';
import { readAddress, readStoreUrl } from '../../config/values.ts';
import { type Command, readOption, withListenerOptions } from '../command.ts';
import { lockStateDirectory } from '../state-directory/lock.ts';
import { attendanceAtTerminal } from '../state-directory/root-attendance.ts';
import {
  initialisationState,
  type StateDirectory,
  stateDirectoryAt,
} from '../state-directory/state-directory.ts';
import { type ListenerArguments, readListenerSettings } from './init.ts';

/** Runs the daemon of an initialised state directory; resolves once it has drained and closed. */
export type Boot = (options: {
  readonly stateDirectory: StateDirectory;
  readonly overrides: ConfigOverrides;
  /** Whether the operator says that a database of the first design is meant to be there. */
  readonly isConversionConfirmed: boolean;
}) => Promise<void>;

interface Arguments extends ListenerArguments {
  readonly interop?: boolean;
  readonly fips?: boolean;
  readonly 'convert-first-design'?: boolean;
}

/** Creates the command `serve`, which ends when `boot` does. */
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
          describe: "Allow only FIPS 140-3 approved algorithms; needs OpenSSL's FIPS provider",
        })
        .option('convert-first-design', {
          type: 'boolean',
          describe: 'Once: convert an old database in a home that has used a newer one; docs/conversion.md',
        }),
    async run(args) {
      const stateDirectory = stateDirectoryAt(args.home);
      const overrides = readOverrides(args);
      // Other commands send SIGHUP to the process that holds the lock; without a listener, it would end the
      // process.
      process.on('SIGHUP', () => {});
      const lock = lockStateDirectory(stateDirectory);
      try {
        if (initialisationState(stateDirectory) !== 'ready') {
          const { initialise } = await import('../state-directory/initialise.ts');
          await initialise(stateDirectory, {
            ...{ settings: readListenerSettings(args), key: 'ec', attendance: attendanceAtTerminal() },
          });
        }
        await boot({
          stateDirectory,
          overrides,
          isConversionConfirmed: args['convert-first-design'] ?? false,
        });
      } finally {
        lock.release();
      }
    },
  };
}

/** Returns the options that take precedence over the configuration. */
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
