import type { FlatItem } from '../../audit/sinks/formats/flatten.ts';
import { readConfigFile } from '../../config/index.ts';
import { describeRoles } from '../../identity/policy.ts';
import { findTrialRefusal } from '../../protocol/policy-trial.ts';
import { type Command, homeOption, jsonOption, print, readWholeNumber, storeOption } from '../command.ts';
import { CommandError } from '../failure.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';
import { formatTable } from '../table.ts';
import { readForward } from './audit/audit-output.ts';

interface Arguments {
  readonly home: string;
  readonly store?: string;
  readonly file: string;
  readonly days?: string;
  readonly json: boolean;
}

/** What would have been refused, those of one kind together. */
interface Refused {
  readonly client: string;
  readonly role: string;
  readonly operation: string;
  readonly rule: string;
  count: number;
  last: string;
  /** One of the objects. */
  object: string | undefined;
}

const usualDays = 30;
const maxDays = 3_650;
const millisecondsADay = 86_400_000;

/** The command `policy try`. */
export const policyTry: Command<Arguments> = {
  isManaged: true,
  command: 'try <file>',
  describe: 'Say what the roles of another kmipd.toml would have refused; exit code 1 when anything',
  builder: (yargs) =>
    yargs
      .positional('file', { type: 'string', describe: 'A configuration that is not in force yet' })
      .options(homeOption)
      .options(storeOption)
      .option('days', {
        type: 'string',
        requiresArg: true,
        describe: `What was done in so many days, by the audit log; ${usualDays} when left out`,
      })
      .options(jsonOption),
  async run({ home, store, file, days: given, json }) {
    const days = readWholeNumber('days', given, { min: 1, max: maxDays }) ?? usualDays;
    const stateDirectory = stateDirectoryAt(home);
    const { roles: custom, approval } = readConfigFile(file, stateDirectory.directory);
    const roles = new Map(describeRoles(custom, approval).map((role) => [role.name, role]));
    const { withManagement } = await import('../state-directory/management.ts');
    const refused = new Map<string, Refused>();
    let count = 0;
    await withManagement(
      stateDirectory,
      store,
      async (call) => {
        const present = new Map((await call('client.list', {})).map(({ name, role }) => [name, role]));
        const since = Date.now() - days * millisecondsADay;
        await readForward(call, { since, isSuccess: true }, 0, (items) => {
          for (const item of items) {
            const { client, kind } = item;
            // A client has the role of today when the configuration comes into force.
            const role = (client === null ? undefined : present.get(client)) ?? item.role;
            if (client === null || role === undefined || (kind !== 'message' && kind !== 'job')) continue;
            count += 1;
            const rule = findTrialRefusal(toItem(item), role, roles);
            if (rule !== undefined) add(refused, { client, role, rule }, item);
          }
        });
      },
      { access: 'read' },
    );
    const found = [...refused.values()].toSorted((one, other) => other.count - one.count);
    if (json) for (const each of found) print(JSON.stringify(each));
    else if (found.length > 0) print(formatRefused(found));
    const total = found.reduce((sum, each) => sum + each.count, 0);
    if (total > 0)
      throw new CommandError(
        `${total} of ${count} requests of the last ${days} days would have been refused`,
      );
    if (!json) print(`none of ${count} requests of the last ${days} days would have been refused`);
  },
};

function toItem({ operation, objects, objectDetails, format, wrapped, details }: FlatItem) {
  return {
    operation,
    objects: objectDetails ?? objects.map((id) => ({ id })),
    ...(format !== undefined && { format }),
    ...(wrapped !== undefined && { wrapped }),
    isApproved: details?.['approvedBy'] !== undefined,
  };
}

function add(
  refused: Map<string, Refused>,
  { client, role, rule }: Pick<Refused, 'client' | 'role' | 'rule'>,
  { operation, time: last, objects: [object] }: FlatItem,
): void {
  const key = JSON.stringify([client, role, operation, rule]);
  const known = refused.get(key);
  if (known === undefined) refused.set(key, { client, role, operation, rule, count: 1, last, object });
  else Object.assign(known, { count: known.count + 1, last });
}

function formatRefused(found: readonly Refused[]): string {
  return formatTable([
    ['CLIENT', 'ROLE', 'OPERATION', 'TIMES', 'LAST', 'BY', 'OBJECT'],
    ...found.map(({ client, role, operation, count, last, rule, object }) => [
      ...[client, role, operation, String(count), last, rule, object ?? ''],
    ]),
  ]);
}
