import { type KeyKind, keyKinds } from '../../../certs/keys.ts';
import { formatAddress } from '../../common/address.ts';
import { formatRootUri, partsOf } from '../../common/root-uri.ts';
import { readAddress, readRootUri, readStoreUrl } from '../../config/values.ts';
import { type Command, print, readOption, withListenerOptions } from '../command.ts';
import { CommandError } from '../failure.ts';
import { lockStateDirectory } from '../state-directory/lock.ts';
import { attendanceAtTerminal, showShares } from '../state-directory/root-attendance.ts';
import { initialisationState, stateDirectoryAt } from '../state-directory/state-directory.ts';

/** The options that `init` and `serve` share. */
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
  readonly root?: string;
}

/** The command `init`. */
export const init: Command<Arguments> = {
  command: 'init',
  describe: 'Initialise a new home: configuration, keys, certificates, database, a first client',
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
      })
      .option('root', {
        type: 'string',
        requiresArg: true,
        describe:
          'Where the root of all keys comes from: file:PATH (default HOME/root.key), passphrase:, passphrase:file=PATH, credential:NAME, shares:K/N, pkcs11:…, all-of:URI+URI',
      }),
  async run(args) {
    const stateDirectory = stateDirectoryAt(args.home);
    const lock = lockStateDirectory(stateDirectory);
    try {
      if (initialisationState(stateDirectory) === 'ready') {
        throw new CommandError(
          `${stateDirectory.directory} is initialised already; start it with: kmipd serve --home ${stateDirectory.directory}`,
        );
      }
      const { initialise } = await import('../state-directory/initialise.ts');
      const { parseTokenUri } = await import('../../token/token-uri.ts');
      const names = typeof args.name === 'string' ? [args.name] : (args.name ?? []);
      const root = readOption('root', args.root, readRootUri);
      for (const part of root === undefined ? [] : partsOf(root))
        if (part.kind === 'pkcs11') parseTokenUri(part.uri, stateDirectory.directory);
      const settings = {
        ...readListenerSettings(args),
        ...(names.length > 0 ? { 'tls.names': names } : {}),
        ...(root && { 'vault.root': formatRootUri(root) }),
      };
      const attendance = { ...attendanceAtTerminal(), deliverShares: showShares };
      const enrolled = await initialise(stateDirectory, { settings, key: args.key, attendance });
      const files = enrolled
        ? `; the certificate files of client demo are in ${stateDirectory.clients}/demo`
        : '';
      print(`${stateDirectory.directory} is initialised${files}`);
      print(`start it with: kmipd serve --home ${stateDirectory.directory}`);
    } finally {
      lock.release();
    }
  },
};

/**
 * Returns the options that a new configuration contains, so that later commands find the same store and
 * listeners.
 */
export function readListenerSettings(args: ListenerArguments): Readonly<Record<string, string>> {
  const listen = readOption('listen', args.listen, readAddress);
  const https = readOption('https', args.https, readAddress);
  const metrics = readOption('metrics', args.metrics, readAddress);
  const url = readOption('store', args.store, readStoreUrl);
  return {
    ...(listen && { listen: formatAddress(listen) }),
    ...(https && { https: formatAddress(https) }),
    ...(url && { store: url }),
    ...(metrics && { metrics: formatAddress(metrics) }),
  };
}
