import type { ClientSummary } from '../../management/api.ts';
import { type Command, homeOption, jsonOption, print, storeOption } from '../command.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';
import { formatTable } from '../table.ts';

interface Arguments {
  readonly home: string;
  readonly store?: string;
  readonly json: boolean;
}

/** The command `client list`. */
export const clientList: Command<Arguments> = {
  command: 'list',
  isManaged: true,
  describe: 'List the enrolled clients',
  builder: (yargs) => yargs.options(homeOption).options(storeOption).options(jsonOption),
  async run({ home, store, json }) {
    const { withManagement } = await import('../state-directory/management.ts');
    const listed = await withManagement(stateDirectoryAt(home), store, (call) => call('client.list', {}), {
      access: 'read',
    });
    if (json) for (const client of listed) print(JSON.stringify(describeClient(client)));
    else print(formatClients(listed));
  },
};

/** Returns the fields of a client that `list` and `show` print, in their order. */
export function describeClient(client: ClientSummary, now = Date.now()) {
  const day = (seconds: number) => new Date(seconds * 1000).toISOString().slice(0, 10);
  const expired = now > client.notAfter * 1000;
  return {
    name: client.name,
    group: client.group,
    role: client.role,
    state: client.disabled ? 'disabled' : expired ? 'expired' : 'enabled',
    enrolled: day(client.enrolledAt),
    expires: day(client.notAfter),
    fingerprint: client.fingerprint,
  };
}

function formatClients(clients: readonly ClientSummary[]): string {
  if (clients.length === 0) return 'no clients are enrolled; see kmipd client add --help';
  const rows = clients.map((client) => {
    const { name, group, role, state, expires, fingerprint } = describeClient(client);
    return [name, group, role, state, expires, fingerprint.slice(0, 16)];
  });
  return formatTable([['NAME', 'GROUP', 'ROLE', 'STATE', 'EXPIRES', 'FINGERPRINT'], ...rows]);
}
