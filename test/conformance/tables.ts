import { type AttributeName, attributeRow, attributeTable } from '../../codec/attribute-table.ts';
import { ObjectType, Operation } from '../../codec/enums.ts';
import { isWithin, type Version, versions } from '../../codec/version.ts';
import { encodings } from '../../src/net/https-encodings.ts';
import { operations } from '../../src/operations/index.ts';

/** The tables of `docs/conformance.md` that follow from the code: no run changes them. */

/** A table of Markdown. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

const byName = new Intl.Collator('en').compare;
const has = (since: Version, until?: Version) =>
  versions.map((version) => (isWithin(version, since, until) ? '✓' : ''));

function operationRows(): string[][] {
  return [...Operation.members].sort(byName).map((name) => {
    const offered = operations.get(name);
    const cells = versions.map((version) => {
      if (!Operation.isKnownIn(name, version)) return '';
      return offered !== undefined && isWithin(version, offered.since, offered.until) ? '✓' : 'no';
    });
    const note = name === 'Interop' ? 'with `--interop`, never in production' : '';
    return [name, ...cells, note];
  });
}

function objectRows(): string[][] {
  return [...ObjectType.members]
    .sort(byName)
    .map((name) => [name, ...versions.map((version) => (ObjectType.isKnownIn(name, version) ? '✓' : ''))]);
}

function attributeRows(): string[][] {
  return (Object.keys(attributeTable) as AttributeName[]).sort(byName).map((name) => {
    const { name1x, since, until } = attributeRow(name);
    return [name, name1x ?? '', ...has(since, until)];
  });
}

function encodingRows(): string[][] {
  const https = [...encodings.keys()].map((type) => [
    type,
    'HTTPS, `POST /kmip`',
    ...versions.map(() => '✓'),
  ]);
  return [['binary TTLV', 'TLS 1.2 or 1.3, port 5696', ...versions.map(() => '✓')], ...https];
}

/** Operations, objects, attributes and encodings, each by version. */
export function staticTables(): string {
  return [
    '## Operations',
    '✓ offered; empty: the version has no such operation.',
    table(['operation', ...versions, ''], operationRows()),
    '## Objects',
    table(['object', ...versions], objectRows()),
    '## Attributes',
    'Also attributes of clients (`x-`), of the server (`y-`) and, from 2.0 on, of any vendor.',
    table(['attribute', 'name in 1.x', ...versions], attributeRows()),
    '## Encodings',
    table(['encoding', 'over', ...versions], encodingRows()),
  ].join('\n\n');
}
