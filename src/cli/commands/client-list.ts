import { X509Certificate } from 'node:crypto';
import type { Client } from '../../identity/principal.ts';
import { type Command, homeOption, print, storeOption } from '../command.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';

interface Arguments {
  readonly home: string;
  readonly store?: string;
  readonly json: boolean;
}

/** The command `client list`. */
export const clientList: Command<Arguments> = {
  command: 'list',
  describe: 'List the enrolled clients',
  builder: (yargs) =>
    yargs
      .options(homeOption)
      .options(storeOption)
      .option('json', { type: 'boolean', default: false, describe: 'One JSON object a line' }),
  async run({ home, store, json }) {
    const { withBackends } = await import('../state-directory/backends.ts');
    const listed = await withBackends(stateDirectoryAt(home), store, ({ clients }) => clients.list(), 'read');
    if (json) for (const client of listed) print(JSON.stringify(summariseClient(client)));
    else print(formatTable(listed));
  },
};

/** Returns the fields of a client that `list` and `show` print, in their order. */
export function summariseClient(client: Client, now = new Date()) {
  const certificate = new X509Certificate(client.certificate);
  const expired = now > certificate.validToDate;
  return {
    name: client.name,
    group: client.group,
    role: client.role,
    state: client.disabled ? 'disabled' : expired ? 'expired' : 'enabled',
    enrolled: new Date(client.enrolledAt * 1000).toISOString().slice(0, 10),
    expires: certificate.validToDate.toISOString().slice(0, 10),
    fingerprint: client.fingerprint,
  };
}

function formatTable(clients: readonly Client[]): string {
  if (clients.length === 0) return 'no clients are enrolled; see kmipd client add --help';
  const rows = clients.map((client) => {
    const { name, group, role, state, expires, fingerprint } = summariseClient(client);
    return [name, group, role, state, expires, fingerprint.slice(0, 16)];
  });
  const table = [['NAME', 'GROUP', 'ROLE', 'STATE', 'EXPIRES', 'FINGERPRINT'], ...rows];
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
