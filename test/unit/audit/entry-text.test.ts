import t from 'tap';
import type { AuditEntry } from '../../../src/audit/audit.ts';
import { readEntry, toChainEntries } from '../../../src/audit/entry-text.ts';

/** How entries become the texts of the chain, and texts become entries. */

const entry: AuditEntry = {
  ...{ time: 1, kind: 'message', node: 'n', version: '2.1', clientCorrelation: 'c', serverCorrelation: 's' },
  actor: { client: 'a', group: 'g', role: 'full', bearer: 'b', administrator: 'x' },
  connection: { peer: '127.0.0.1:5', id: '1' },
  items: [
    {
      ...{ operation: 'Get', result: 'OperationFailed', reason: 'ItemNotFound', rule: 'r', format: 'Raw' },
      ...{ more: 1, found: 2, count: 3, job: 'ab', wrapped: true },
      objects: [
        { id: 'o', type: 'SymmetricKey', state: 'Active', algorithm: 'AES', length: 256, names: ['k'] },
      ],
      details: { one: 1, two: 'two', three: true },
    },
  ],
};
const maxCharacters = 1_048_576;

t.test('an entry is read as it was', (t) => {
  const [only, ...others] = toChainEntries(entry);
  t.strictSame(others, []);
  t.strictSame(readEntry(only?.text ?? ''), entry);
  t.end();
});

t.test('a long entry becomes several with all of its items', (t) => {
  const [item] = entry.items;
  if (item === undefined) throw new Error('the entry has an item');
  const objects = Array.from({ length: 1_000 }, (_, at) => ({ id: `${at}`, names: ['\u0001'.repeat(256)] }));
  const items = Array.from({ length: 3 }, (_, at) => ({ ...item, operation: `Operation${at}`, objects }));
  const parts = toChainEntries({ ...entry, items }).map(({ text }) => {
    t.ok(text.length <= maxCharacters, 'each is short enough');
    return readEntry(text);
  });
  t.ok(parts.length > 1);
  t.strictSame(
    parts.flatMap((part) => part?.items.map(({ operation }) => operation)),
    ['Operation0', 'Operation1', 'Operation2'],
  );
  for (const part of parts) {
    t.match(part, { time: 1, actor: { client: 'a' }, connection: { id: '1' } });
    for (const { objects } of part?.items ?? [])
      t.strictSame(
        objects?.map(({ id }) => id),
        items[0]?.objects.map(({ id }) => id),
      );
  }
  t.end();
});

t.test('an item that is too long keeps what matters', (t) => {
  const objects = Array.from({ length: 3_000 }, (_, at) => ({ id: `${at}`, type: 'x'.repeat(1_000) }));
  const details = { text: 'x'.repeat(maxCharacters) };
  const items = [
    { ...{ operation: 'Get', result: 'Success', reason: 'r'.repeat(2_000_000) }, objects, details },
  ];
  const [only, ...others] = toChainEntries({ ...entry, items });
  t.strictSame(others, []);
  t.ok((only?.text.length ?? 0) <= maxCharacters);
  const [kept] = readEntry(only?.text ?? '')?.items ?? [];
  t.match(kept, { operation: 'Get', result: 'Success', reason: 'r'.repeat(256), more: 3_000 - 1_024 });
  t.equal(kept?.objects?.length, 1_024);
  t.end();
});

t.test('a text of any other shape is no entry', (t) => {
  for (const text of ['', '{', 'null', '[]', '1', '{}', '"x"']) t.equal(readEntry(text), undefined, text);
  for (const [path, value] of fieldsOf(entry)) {
    for (const other of ['x', 1, true, null, { id: 1 }, [[]]]) {
      const isSame = kindOf(other) === kindOf(value) && typeof value !== 'object';
      const isDetail = /^items\.0\.details\./.test(path) && (typeof other !== 'object' || other === null);
      // Of a structure with other fields only the names count.
      const isUnknown = ['actor', 'items.0.details'].includes(path) && kindOf(other) === 'object';
      t.equal(
        readEntry(replace(path, other)) !== undefined,
        isSame || isDetail || isUnknown,
        `${path} ${other}`,
      );
    }
  }
  t.end();
});

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return 'list';
  return value === null ? 'null' : typeof value;
}

/** Everything in a value, by its path. */
function fieldsOf(value: object, path = ''): [string, unknown][] {
  return Object.entries(value).flatMap(([key, each]) => {
    const inner = typeof each === 'object' ? fieldsOf(each, `${path}${key}.`) : [];
    return [[`${path}${key}`, each], ...inner] as [string, unknown][];
  });
}

/** Returns the entry as a text, with another value at a path. */
function replace(path: string, value: unknown): string {
  const altered = structuredClone(entry) as unknown as Record<string, unknown>;
  const keys = path.split('.');
  const parent = keys.slice(0, -1).reduce((at, key) => at[key] as typeof altered, altered);
  parent[keys.at(-1) ?? ''] = value;
  return JSON.stringify(altered);
}
