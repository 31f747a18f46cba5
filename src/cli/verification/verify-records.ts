import type { Retention } from '../../object/maker.ts';
import { openRecordBox, recordKey } from '../../store/record-boxes.ts';
import type { Snapshot, SnapshotRecord } from '../../store/snapshot.ts';
import {
  boxEpoch,
  SealBrokenError,
  type SealedKey,
  type Vault,
  VaultUnavailableError,
} from '../../vault/vault.ts';

/** What becomes of what a verification finds in records. */
export interface RecordFindings {
  /** Called for each box that opens. */
  noteEpoch(box: SealedKey): void;
  /** Called for each record that opens. */
  noteRecord(kind: string, id: string): unknown;
  /** Called for each row that must not be used. */
  noteAltered(seq: number): void;
  /** `problem`: a line for the operator. */
  report(problem: string): void;
}

/**
 * Verifies one page of records: each opens, is in the index of its epoch and in no newer one, and is found by
 * its key alone.
 * @throws {VaultUnavailableError} when the vault is sealed
 */
export async function verifyRecordPage(
  page: readonly SnapshotRecord[],
  snapshot: Pick<Snapshot, 'findRecords'>,
  vault: Vault,
  findings: RecordFindings,
): Promise<void> {
  /** By the keys that rows would have in newer indexes. */
  const older = new Map<string, SnapshotRecord>();
  for (const row of page) for (const key of openRecord(row, vault, findings)) older.set(key, row);
  const found = await snapshot.findRecords(page.map(({ key }) => key));
  for (const { seq, kind, key } of page)
    if (!isOnlyOne(found, seq, (each) => each.key === key && each.kind === kind))
      findings.report(`the record ${nameOf({ kind, key })} is not found by its key, or twice`);
  const putBack = new Set<SnapshotRecord>();
  const keys = [...older.keys()];
  for (let at = 0; at < keys.length; at += page.length)
    for (const { key } of await snapshot.findRecords(keys.slice(at, at + page.length))) {
      const row = older.get(key);
      if (row !== undefined) putBack.add(row);
    }
  for (const row of putBack) {
    findings.report(`the record ${nameOf(row)} was put back: it has moved to a newer index`);
    findings.noteAltered(row.seq);
  }
}

/** Opens a record; returns the keys that it would have in newer indexes. */
function openRecord(row: SnapshotRecord, vault: Vault, findings: RecordFindings): readonly string[] {
  const { seq, kind, key, box } = row;
  try {
    const { id, content } = openRecordBox(vault, row);
    content.fill(0);
    findings.noteEpoch(box);
    findings.noteRecord(kind, id);
    const index = vault.indexOf(boxEpoch(box));
    if (recordKey(index, kind, id) !== key)
      findings.report(`the record ${nameOf(row)} is not in the index of its epoch`);
    return vault.indexes
      .filter(({ epoch }) => epoch > index.epoch)
      .map((newer) => recordKey(newer, kind, id));
  } catch (error) {
    if (error instanceof VaultUnavailableError) throw error;
    if (error instanceof SealBrokenError) findings.noteAltered(seq);
    findings.report(`the record ${nameOf(row)} ${explainRow(error)}`);
    return [];
  }
}

function nameOf({ kind, key }: Pick<SnapshotRecord, 'kind' | 'key'>): string {
  return JSON.stringify(`${kind} ${key}`);
}

/** Says why a row was not opened or read. */
export function explainRow(error: unknown): string {
  return error instanceof SealBrokenError ? 'was altered outside kmipd' : 'cannot be decoded';
}

/** Whether one row is found by a name, and it is the one that a reading of all rows has. */
export function isOnlyOne<Row extends { readonly seq: number }>(
  found: readonly Row[],
  seq: number,
  isNamed: (row: Row) => boolean,
): boolean {
  const same = found.filter(isNamed);
  return same.length === 1 && same[0]?.seq === seq;
}

/** Says that a destroyed object which can be restored is not listed among those that can. */
export function describeUnlisted(id: string, { until }: Pick<Retention, 'until'>): string {
  const end = new Date(until * 1000).toISOString();
  return `the destroyed object ${JSON.stringify(id)} has lost the record that it can be restored: kmipd object restore or, from ${end} on, kmipd object purge`;
}
