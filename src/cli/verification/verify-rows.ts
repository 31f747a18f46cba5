import { waitForAll } from '../../common/wait-for-all.ts';
import type { Retention } from '../../object/maker.ts';
import { ManagedObject } from '../../object/managed-object.ts';
import { indexChange, indexesOf } from '../../object/search-index.ts';
import { restorableKind } from '../../operations/restorable-objects.ts';
import { type BlockRow, openBlock } from '../../store/audit/audit-blocks.ts';
import { isCount } from '../../store/cells.ts';
import { LaneForgedError, openLane, openLanes, sumLanes } from '../../store/lanes/open-lane.ts';
import { anchoredSegment, foldedSegment, SetHash, segmentOf } from '../../store/lanes/set-hash.ts';
import type { AlteredRow } from '../../store/repair.ts';
import type { Snapshot, SnapshotObject, SnapshotRecord } from '../../store/snapshot.ts';
import type { NumberedTable } from '../../store/store.ts';
import {
  boxEpoch,
  boxTag,
  SealBrokenError,
  type SealedKey,
  type Vault,
  VaultUnavailableError,
} from '../../vault/vault.ts';
import { compareIndex, groupByObject, type IndexDifference, type ObjectIndex } from './index-comparison.ts';
import { describeUnlisted, explainRow, isOnlyOne, verifyRecordPage } from './verify-records.ts';

/** What a verification has read and found. */
export interface Verification {
  readonly objects: number;
  readonly records: number;
  /** What is wrong, a line each; no secret. */
  readonly problems: readonly string[];
  /** Problems beyond those that are listed. */
  readonly unlisted: number;
  /** Rows with a number that the database does not give; they were not opened. */
  readonly strays: number;
  /** Tables whose sequence was changed. */
  readonly sequences: readonly NumberedTable[];
  /** The rows that do not open, and records that were put back in an older index. */
  readonly altered: readonly AlteredRow[];
  /** Whether columns, terms or unique names are not those of the objects. */
  readonly isIndexWrong: boolean;
  /** The hash of all rows as they are. */
  readonly present: SetHash;
  /** The oldest epoch under which a row or a lane is sealed; those that do not open are problems. */
  readonly oldestEpoch: number;
}

/** What is in segments of a purpose of their own. */
const segmentNames: ReadonlyMap<number, string> = new Map([
  [anchoredSegment, ' (clients and policies)'],
  [foldedSegment, ' (removed nodes)'],
]);

/** The most problems that are listed. */
const maxProblems = 1_000;

/**
 * Opens every row of a snapshot, compares objects with their columns, terms and unique names, and all rows
 * with the hash that the lanes state. Secrets are opened and wiped. Of a value in direct mode all bytes are
 * compared, because the attributes are bound to them, and the token is not asked.
 * @param pause is awaited after each page
 * @throws {StoreUnavailableError} when the database cannot be read
 * @throws {VaultUnavailableError} when the vault is sealed
 */
export async function verifyRows(
  snapshot: Snapshot,
  vault: Vault,
  pause: () => Promise<void>,
): Promise<Verification> {
  const verifier = new RowVerifier(snapshot, vault);
  await verifier.verify(pause);
  const { objects, records, problems, unlisted, strays, sequences, altered } = verifier;
  const { isIndexWrong, present, oldestEpoch } = verifier;
  return {
    ...{ objects, records, problems, unlisted, strays, sequences, altered },
    ...{ isIndexWrong, present, oldestEpoch },
  };
}

class RowVerifier implements Verification {
  objects = 0;
  records = 0;
  unlisted = 0;
  strays = 0;
  sequences: readonly NumberedTable[] = [];
  isIndexWrong = false;
  oldestEpoch = Number.POSITIVE_INFINITY;
  readonly problems: string[] = [];
  readonly altered: AlteredRow[] = [];
  readonly present = new SetHash();
  readonly #snapshot: Snapshot;
  readonly #vault: Vault;
  /** Whether an object does not open. */
  #isIncomplete = false;
  #terms = 0;
  #names = 0;
  /** Destroyed objects that can be restored, until the record of each was found. */
  readonly #restorable = new Map<string, Retention>();

  constructor(snapshot: Snapshot, vault: Vault) {
    this.#snapshot = snapshot;
    this.#vault = vault;
  }

  async verify(pause: () => Promise<void>): Promise<void> {
    await this.#readPages(
      (after) => this.#snapshot.objects(after),
      (page) => this.#verifyObjects(page),
      pause,
    );
    await this.#readPages(
      (after) => this.#snapshot.records(after),
      (page) => this.#verifyRecords(page),
      pause,
    );
    // Lists and the end of the waiting period go by records.
    for (const [id, retention] of this.#restorable) this.#report(describeUnlisted(id, retention));
    await this.#readPages(
      (after) => this.#snapshot.audit.after(after),
      async (page) => this.#verifyBlocks(page),
      pause,
    );
    this.strays = await this.#snapshot.strays();
    if (this.strays > 0) this.#report(`rows with a number that the database does not give: ${this.strays}`);
    this.sequences = await this.#snapshot.wrongSequences();
    for (const table of this.sequences)
      this.#report(`the sequence that numbers the rows of ${table} was changed outside kmipd`);
    await this.#compareCounts();
    await this.#compareLanes();
  }

  /** Reads a page while the one before it is verified. */
  async #readPages<Row extends { readonly seq: number }>(
    read: (after: number) => Promise<readonly Row[]>,
    verify: (page: readonly Row[]) => Promise<void>,
    pause: () => Promise<void>,
  ): Promise<void> {
    let page = await read(0);
    for (let last = page.at(-1); last !== undefined; last = page.at(-1)) {
      [page] = await waitForAll([read(last.seq), verify(page)]);
      await pause();
    }
  }

  async #verifyObjects(page: readonly SnapshotObject[]): Promise<void> {
    const expected = page.map((row) => ({ row, index: this.#openObject(row) }));
    const terms = new Set(expected.flatMap(({ index }) => index?.terms.map(({ term }) => term) ?? []));
    const [first, last] = [page[0]?.seq ?? 0, page.at(-1)?.seq ?? 0];
    const [foundTerms, foundNames] = await waitForAll([
      this.#snapshot.terms([...terms], first, last),
      this.#snapshot.names(first, last),
      this.#findObjects(page),
    ]);
    const indexOf = groupByObject(foundTerms, foundNames);
    for (const { row, index } of expected) {
      const found = indexOf(row.seq);
      // What is left over has no object.
      this.#terms += found.terms.length;
      this.#names += found.names.length;
      // Without its attributes nothing can be said of its index.
      const differences = index === undefined ? [] : compareIndex(index, found);
      for (const difference of differences) this.#reportIndex(indexProblems[difference](describe(row.id)));
    }
  }

  /** Opens an object and returns what must be in the index; undefined when it does not open. */
  #openObject(row: SnapshotObject): ObjectIndex | undefined {
    const { id, version, box, seq, group } = row;
    this.objects += 1;
    this.#add(segmentOf(id), { table: 'managed_object', id, version, box });
    try {
      const object = ManagedObject.fromStored(row, this.#vault);
      object.openContent();
      if (object.retention !== undefined) this.#restorable.set(id, object.retention);
      for (const each of [box, row.value]) if (each !== null) this.#noteEpoch(each);
      const indexes = indexesOf(this.#vault, box);
      const { columns, terms, uniqueNames } = indexChange(object, undefined, indexes, { uniqueNames: true });
      for (const [name, value] of Object.entries(columns))
        if (row.columns[name as keyof typeof columns] !== value)
          this.#reportIndex(`the column of ${name} of the object ${describe(id)} is wrong`);
      return {
        terms: terms.add.map((term) => ({ ...term, object: seq })),
        names: uniqueNames.add.map((name) => ({ group, name, object: seq })),
      };
    } catch (error) {
      if (error instanceof VaultUnavailableError) throw error;
      this.#isIncomplete = true;
      if (error instanceof SealBrokenError) this.altered.push({ table: 'managed_object', seq });
      this.#report(`the object ${describe(id)} ${explainRow(error)}`);
      return undefined;
    }
  }

  async #verifyRecords(page: readonly SnapshotRecord[]): Promise<void> {
    this.records += page.length;
    for (const { kind, key, version, box } of page)
      this.#add(segmentOf(key, kind), { table: 'sealed_record', id: key, version, box });
    await verifyRecordPage(page, this.#snapshot, this.#vault, {
      noteEpoch: (box) => this.#noteEpoch(box),
      noteRecord: (kind, id) => kind === restorableKind && this.#restorable.delete(id),
      noteAltered: (seq) => this.altered.push({ table: 'sealed_record', seq }),
      report: (problem) => this.#report(problem),
    });
  }

  /** Whether a chain is whole is the matter of `kmipd audit verify`. */
  #verifyBlocks(page: readonly BlockRow[]): void {
    for (const block of page) {
      if (openBlock(block, this.#vault) !== undefined) this.#noteEpoch(block.box);
      else {
        this.altered.push({ table: 'audit_block', seq: block.seq });
        const name = `${block.first} of chain ${describe(block.chain)}`;
        this.#report(`the block of the audit log with entry ${name} was altered outside kmipd`);
      }
    }
  }

  /** A version that kmipd does not write is no element; the row is reported when it does not open. */
  #add(segment: number, { table, id, version, box }: HashedRow): void {
    if (!isCount(version)) return;
    this.present.add(segment, this.#vault.element(table, id, version, boxTag(box)));
  }

  /** A changed index or a second row of one name gives the daemon other rows than a reading of all. */
  async #findObjects(page: readonly SnapshotObject[]): Promise<void> {
    for (const [group, rows] of Map.groupBy(page, (row) => row.group)) {
      const found = await this.#snapshot.find(
        group,
        rows.map(({ id }) => id),
      );
      for (const { id, seq } of rows)
        if (!isOnlyOne(found, seq, (each) => each.id === id))
          this.#report(`the object ${describe(id)} is not found by its identifier, or twice`);
    }
  }

  async #compareCounts(): Promise<void> {
    const { terms, names } = await this.#snapshot.counts();
    // Of an object that does not open it is not known which terms are its own.
    if (terms !== this.#terms && !this.#isIncomplete)
      this.#reportIndex(`rows of object_term that are of no object: ${terms - this.#terms}`);
    if (names !== this.#names)
      this.#reportIndex(`rows of unique_name that are of no object: ${names - this.#names}`);
  }

  async #compareLanes(): Promise<void> {
    let stated: SetHash;
    try {
      const rows = await this.#snapshot.lanes();
      stated = sumLanes(openLanes(rows, (row) => openLane(row, this.#vault)));
      for (const { box } of rows) this.#noteEpoch(box);
    } catch (error) {
      if (!(error instanceof LaneForgedError)) throw error;
      this.#report(error.message);
      return;
    }
    for (const segment of stated.differences(this.present)) {
      const [there, written] = [this.present.rows(segment), stated.rows(segment)];
      const what = segmentNames.get(segment) ?? '';
      this.#report(
        there === written
          ? `segment ${segment}${what} has ${there} rows, of which some are earlier versions or were altered`
          : `segment ${segment}${what} has ${there} rows; ${written} were written`,
      );
    }
  }

  #noteEpoch(box: SealedKey): void {
    this.oldestEpoch = Math.min(this.oldestEpoch, boxEpoch(box));
  }

  #reportIndex(problem: string): void {
    this.isIndexWrong = true;
    this.#report(problem);
  }

  #report(problem: string): void {
    if (this.problems.length < maxProblems) this.problems.push(problem);
    else this.unlisted += 1;
  }
}

/** What is said of an object whose index differs. */
const indexProblems: Readonly<Record<IndexDifference, (id: string) => string>> = {
  'terms are missing': (id) => `terms of the object ${id} are missing`,
  'foreign terms': (id) => `rows of object_term are not of the object ${id}`,
  'foreign names': (id) => `rows of unique_name are not of the object ${id}`,
};

interface HashedRow {
  readonly table: AlteredRow['table'];
  readonly id: string;
  readonly version: number;
  readonly box: SealedKey;
}

function describe(id: string): string {
  return JSON.stringify(id);
}
