import { type KeyKind, keyKinds } from '../../../certs/keys.ts';
import { formatAddress } from '../../common/address.ts';
import { address, store } from '../../config/values.ts';
import { type Command, print, readOption, withListenerOptions } from '../command.ts';
import { CommandError } from '../failure.ts';
import { lockStateDirectory } from '../state-directory/lock.ts';
import { stateDirectoryAt, stateOf } from '../state-directory/state-directory.ts';

export interface ListenerArguments {
  readonly home: string;
  readonly listen?: string;
  readonly https?: string;
  readonly store?: string;
  readonly metrics?: string;
}

interface Arguments extends ListenerArguments {
  readonly name?: string | readonly string[];
  readonly key: KeyKind;
}

export const init: Command<Arguments> = {
  command: 'init',
  describe: 'Fill a new home: configuration, keys, certificates, database, a first client',
  builder: (yargs) =>
    withListenerOptions(yargs)
      .option('name', {
        type: 'string',
        requiresArg: true,
        describe:
          'DNS name or address for the server certificate, besides localhost and the host name; repeatable',
      })
      .option('key', {
        choices: keyKinds,
        default: 'ec',
        describe: 'Kind of the keys of authority, server and client',
      }),
  async run(given) {
    const home = stateDirectoryAt(given.home);
    const lock = lockStateDirectory(home);
    try {
      if (stateOf(home) === 'ready') {
        throw new CommandError(
          `${home.directory} is initialised already; start it with: kmipd serve --home ${home.directory}`,
        );
      }
      const { initialise } = await import('../state-directory/initialise.ts');
      const names = typeof given.name === 'string' ? [given.name] : (given.name ?? []);
      const settings = { ...settingsOf(given), ...(names.length > 0 ? { 'tls.names': names } : {}) };
      const enrolled = await initialise(home, { settings, key: given.key });
      const files = enrolled ? `; the certificate files of client demo are in ${home.clients}/demo` : '';
      print(`${home.directory} is initialised${files}`);
      print(`start it with: kmipd serve --home ${home.directory}`);
    } finally {
      lock.release();
    }
  },
};

/** What of the command line a new configuration keeps, so that later commands find the same store and listener. */
export function settingsOf(given: ListenerArguments): Readonly<Record<string, string>> {
  const listen = readOption('listen', given.listen, address);
  const https = readOption('https', given.https, address);
  const metrics = readOption('metrics', given.metrics, address);
  const url = readOption('store', given.store, store);
  return {
    ...(listen && { listen: formatAddress(listen) }),
    ...(https && { https: formatAddress(https) }),
    ...(url && { store: url }),
    ...(metrics && { metrics: formatAddress(metrics) }),
  };
}
