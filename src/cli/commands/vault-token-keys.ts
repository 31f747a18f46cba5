import type { ResultOf } from '../../management/api.ts';
import { type Command, homeOption, print, storeOption } from '../command.ts';
import { CommandError } from '../failure.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';
import { formatTable } from '../table.ts';

interface Arguments {
  readonly home: string;
  readonly store?: string;
  readonly json: boolean;
  readonly 'remove-orphans': boolean;
}

type ListedKey = ResultOf<'tokenKey.list'>[number];
type KeyObject = ResultOf<'tokenKey.objects'>['objects'][number];

interface Report {
  /** Objects with their keys in the token. */
  readonly present: readonly KeyObject[];
  /** Objects whose keys are not there: nobody can use them. */
  readonly lost: readonly KeyObject[];
  /** Keys of no object. */
  readonly orphans: readonly ListedKey[];
  /** Keys that kmipd removes by itself, or is making. */
  readonly released: readonly ListedKey[];
  readonly broken: readonly string[];
  /** How many objects the database did not list: each may have a key in the token. */
  readonly hidden: number;
}

/** Keys that are made within this time may still get their objects. */
const minOrphanSeconds = 3_600;

/** The command `vault token keys`: compares the keys in the token with the objects of the database. */
export const vaultTokenKeys: Command<Arguments> = {
  command: 'keys',
  isManaged: true,
  describe: 'Compare the keys of clients that are in the token with the objects of the database',
  builder: (yargs) =>
    yargs
      .options(homeOption)
      .options(storeOption)
      .option('remove-orphans', {
        type: 'boolean',
        default: false,
        describe: 'Remove keys of no object from the token, for good',
      })
      .option('json', { type: 'boolean', default: false, describe: 'One JSON object' }),
  async run({ home, store, json, 'remove-orphans': mustRemove }) {
    const { withManagement } = await import('../state-directory/management.ts');
    await withManagement(stateDirectoryAt(home), store, async (call) => {
      // Keys first: one that is made meanwhile is no orphan.
      const keys = await call('tokenKey.list', {});
      const objects: KeyObject[] = [];
      const broken: string[] = [];
      let [rows, total] = [0, 0];
      for (let after: number | null = 0; after !== null; ) {
        const page: ResultOf<'tokenKey.objects'> = await call('tokenKey.objects', { after });
        objects.push(...page.objects);
        broken.push(...page.broken);
        rows += page.rows;
        ({ next: after, total } = page);
      }
      const hidden = Math.max(0, total - rows);
      const report = { ...compare(keys, objects), broken, hidden };
      print(json ? JSON.stringify(report) : formatReport(report));
      if (mustRemove && broken.length > 0)
        throw new CommandError('nothing was removed: objects that do not open may have keys in the token');
      if (mustRemove && hidden > 0)
        throw new CommandError(
          'nothing was removed: objects that the database does not list may have keys in the token; run kmipd vault accept, or try again if objects were made meanwhile',
        );
      if (!mustRemove) return;
      for (const { reference } of report.orphans) await call('tokenKey.remove', reference);
      if (!json) print(`removed ${report.orphans.length} keys of no object from the token`);
    });
  },
};

function compare(
  keys: readonly ListedKey[],
  objects: readonly KeyObject[],
): Omit<Report, 'broken' | 'hidden'> {
  const inToken = new Set(keys.map(({ reference }) => reference.id));
  const known = new Set(objects.map(({ reference }) => reference.id));
  const since = Math.floor(Date.now() / 1000) - minOrphanSeconds;
  const unknown = keys.filter(({ reference }) => !known.has(reference.id));
  const isOrphan = ({ isReleased, made }: ListedKey) => !isReleased && made <= since;
  return {
    present: objects.filter(({ reference }) => inToken.has(reference.id)),
    lost: objects.filter(({ reference }) => !inToken.has(reference.id)),
    orphans: unknown.filter(isOrphan),
    released: unknown.filter((key) => !isOrphan(key)),
  };
}

function formatReport({ present, lost, orphans, released, broken, hidden }: Report): string {
  const rows = [
    ...lost.map(({ object, group, reference }) => [
      ...['lost', reference.id, object, group],
      `not in the token; it was made in that with the serial number ${reference.token}`,
    ]),
    ...orphans.map(({ reference, made }) => ['orphan', reference.id, '-', '-', madeAt(made)]),
    ...released.map(({ reference, made }) => [
      ...['released', reference.id, '-', '-'],
      `${madeAt(made)}; kmipd removes it by itself`,
    ]),
    ...broken.map((object) => ['unknown', '-', object, '-', 'the row does not open']),
    ...(hidden > 0 ? [['unknown', '-', '-', '-', `${hidden} objects are not listed by the database`]] : []),
  ];
  const summary = `${present.length} objects have their keys in the token, ${lost.length} have lost them; ${orphans.length} keys belong to no object, ${released.length} will be removed`;
  const headings = ['STATE', 'CKA_ID', 'OBJECT', 'GROUP', 'NOTE'];
  return rows.length === 0 ? summary : `${summary}\n\n${formatTable([headings, ...rows])}`;
}

const madeAt = (seconds: number): string => `made ${new Date(seconds * 1000).toISOString()}`;
