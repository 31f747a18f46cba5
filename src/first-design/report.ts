import { escapeUnprintable } from '../../codec/unprintable.ts';
import type { ClientEntry } from '../identity/client-entry.ts';
import { hasAny } from '../identity/client-entry.ts';

/** What a conversion has taken over, for an operator to look at: the first design could not protect it. */
export class ConversionReport {
  readonly #clients: ClientEntry[] = [];
  readonly #objects = new Map<string, Map<string, number>>();
  readonly #records = new Map<string, number>();

  /** Counts a client. */
  addClient(client: ClientEntry): void {
    this.#clients.push(client);
  }

  /** Counts an object. */
  addObject(group: string, type: string): void {
    const types = this.#objects.get(group) ?? new Map<string, number>();
    this.#objects.set(group, types);
    types.set(type, (types.get(type) ?? 0) + 1);
  }

  /** Counts a record. */
  addRecord(kind: string): void {
    this.#records.set(kind, (this.#records.get(kind) ?? 0) + 1);
  }

  /** Numbers of the rows that were taken over. */
  get counts(): { readonly clients: number; readonly objects: number; readonly records: number } {
    const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, each) => total + each, 0);
    return {
      clients: this.#clients.length,
      objects: sum([...this.#objects.values()].flatMap((types) => [...types.values()])),
      records: sum(this.#records.values()),
    };
  }

  /** The report as lines of text. */
  lines(): readonly string[] {
    const clients = this.#clients.map((client) => [
      client.group,
      client.name,
      client.role,
      client.disabled ? 'disabled' : 'enabled',
      hasAny(client.credentials) ? 'has credentials' : 'certificate only',
      client.fingerprint.slice(0, 16),
    ]);
    const objects = [...this.#objects].flatMap(([group, types]) =>
      [...types].map(([type, count]) => [group, type, String(count)]),
    );
    return [
      'Clients that were taken over: whoever could write the old database could enrol one or change its role.',
      ...toTable(['group', 'client', 'role', 'state', 'authentication', 'certificate'], clients),
      '',
      'Objects that were taken over:',
      ...toTable(['group', 'type', 'objects'], objects),
      '',
      'Records that were taken over:',
      ...toTable(
        ['kind', 'records'],
        [...this.#records].map(([kind, count]) => [kind, String(count)]),
      ),
    ];
  }
}

/** Returns the lines of a table. Anyone who could write the database has chosen the names in it. */
function toTable(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const escaped = rows.map((row) => row.map((cell) => escapeUnprintable(cell)));
  const sorted = [head, ...escaped.toSorted((a, b) => (a.join('\0') < b.join('\0') ? -1 : 1))];
  const widths = head.map((_, column) => Math.max(...sorted.map((row) => row[column]?.length ?? 0)));
  return sorted.map((row) =>
    `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
  );
}
