import type { AdministratorSummary } from '../../management/administrator-api.ts';
import { type Command, homeOption, jsonOption, print, requirePlainName, storeOption } from '../command.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';
import { formatTable } from '../table.ts';

interface ListArguments {
  readonly home: string;
  readonly store?: string;
  readonly json: boolean;
}

interface ShowArguments {
  readonly name: string;
  readonly home: string;
  readonly store?: string;
}

/** The command `admin list`. */
export const adminList: Command<ListArguments> = {
  command: 'list',
  isManaged: true,
  describe: 'List the administrators',
  builder: (yargs) => yargs.options(homeOption).options(storeOption).options(jsonOption),
  async run({ home, store, json }) {
    const { withManagement } = await import('../state-directory/management.ts');
    const listed = await withManagement(stateDirectoryAt(home), store, (call) => call('admin.list', {}), {
      access: 'read',
    });
    if (json) for (const each of listed) print(JSON.stringify(describe(each)));
    else print(formatAdministrators(listed));
  },
};

/** The command `admin show`. */
export const adminShow: Command<ShowArguments> = {
  command: 'show <name>',
  isManaged: true,
  describe: 'Show one administrator, with its certificate if it has one',
  builder: (yargs) =>
    yargs
      .positional('name', { type: 'string', describe: 'Name of the administrator' })
      .options(homeOption)
      .options(storeOption),
  async run(args) {
    const name = requirePlainName('the name', args.name);
    const { withManagement } = await import('../state-directory/management.ts');
    const found = await withManagement(
      stateDirectoryAt(args.home),
      args.store,
      (call) => call('admin.show', { name }),
      { access: 'read' },
    );
    for (const [key, value] of Object.entries(describe(found)))
      if (value !== null) print(`${`${key}:`.padEnd(13)}${value}`);
    if (found.certificate !== null) print(found.certificate.trimEnd());
  },
};

/** Returns the fields of an administrator that `list` and `show` print, in their order. */
function describe(administrator: AdministratorSummary, now = Date.now()) {
  const { name, role, disabled, createdAt, credential, fingerprint, notAfter } = administrator;
  const day = (seconds: number) => new Date(seconds * 1000).toISOString().slice(0, 10);
  const isExpired = notAfter !== null && now > notAfter * 1000;
  return {
    ...{ name, role, state: disabled ? 'disabled' : isExpired ? 'expired' : 'enabled' },
    ...{ created: day(createdAt), credential },
    expires: notAfter === null ? null : day(notAfter),
    fingerprint,
  };
}

function formatAdministrators(listed: readonly AdministratorSummary[]): string {
  if (listed.length === 0) return 'there are no administrators; see kmipd admin add --help';
  const rows = listed.map((each) => {
    const { name, role, state, created, credential, expires } = describe(each);
    return [name, role, state, created, credential, expires ?? ''];
  });
  return formatTable([['NAME', 'ROLE', 'STATE', 'CREATED', 'CREDENTIAL', 'EXPIRES'], ...rows]);
}
