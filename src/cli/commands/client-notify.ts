import { formatAddress } from '../../common/address.ts';
import { readAddress } from '../../config/values.ts';
import type { ManagementCall } from '../../management/api.ts';
import type { EndpointSettings } from '../../protocol/endpoints/endpoint-settings.ts';
import { type Command, homeOption, print, readOption, requirePlainName, storeOption } from '../command.ts';
import { UsageError } from '../failure.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';

interface Arguments {
  readonly client: string;
  readonly home: string;
  readonly store?: string;
  readonly to?: string;
  readonly put?: boolean;
  readonly kmip?: string;
  readonly off?: boolean;
}

/** The command `client notify`. */
export const clientNotify: Command<Arguments> = {
  command: 'notify <client>',
  isManaged: true,
  describe: 'Set where a client is notified of changes, and whether it is sent keys; alone: show it',
  builder: (yargs) =>
    yargs
      .positional('client', { type: 'string', describe: 'Name of the client' })
      .options(homeOption)
      .options(storeOption)
      .option('to', {
        type: 'string',
        requiresArg: true,
        describe:
          'HOST:PORT where it accepts connections of kmipd; absent: it connects and exchanges the roles',
      })
      .option('put', {
        type: 'boolean',
        describe: 'Send it the new objects that it may get, keys included',
      })
      .option('kmip', {
        type: 'string',
        requiresArg: true,
        describe: 'Newest KMIP version for these connections, such as 1.4 [the newest]',
      })
      .option('off', { type: 'boolean', describe: 'Remove these settings' })
      .conflicts('off', ['to', 'put', 'kmip']),
  async run(args) {
    const name = requirePlainName('the name', args.client);
    const stateDirectory = stateDirectoryAt(args.home);
    const settings = await readSettings(args);
    const { withManagement } = await import('../state-directory/management.ts');
    const isChange = settings !== null || args.off === true;
    const work = async (call: ManagementCall) => {
      if (isChange) await call('client.setEndpoint', { name, settings });
      print(describe(name, isChange ? settings : await call('client.endpoint', { name })));
    };
    await withManagement(stateDirectory, args.store, work, { notify: isChange });
  },
};

/** Returns the endpoint settings of the options; null when there are none to store. */
async function readSettings({ to, put, kmip }: Arguments): Promise<EndpointSettings | null> {
  if (to === undefined && put === undefined && kmip === undefined) return null;
  if (kmip !== undefined && to === undefined)
    throw new UsageError('--kmip is for connections that kmipd opens; give --to as well');
  const { versions } = await import('../../../codec/version.ts');
  const version = versions.find((each) => each === kmip);
  if (kmip !== undefined && version === undefined)
    throw new UsageError(`--kmip cannot be ${kmip}; choose from ${versions.join(', ')}`);
  return { put: put ?? false, to: readOption('to', to, readAddress), version };
}

function describe(name: string, settings: EndpointSettings | null): string {
  if (settings === null)
    return `client ${name} is notified of changes when it exchanges the roles; it is sent no keys`;
  const { to, version, put } = settings;
  const where =
    to === undefined
      ? 'when it exchanges the roles'
      : `at ${formatAddress(to)}${version === undefined ? '' : ` in KMIP ${version}`}`;
  return `client ${name} is notified of changes ${where}; it is sent ${put ? 'new keys' : 'no keys'}`;
}
