import {
  boxTag,
  type RecordContext,
  SealBrokenError,
  type SealedKey,
  type Vault,
} from '../../vault/vault.ts';
import { isCount } from '../cells.ts';
import type { Read, RowVersion, SqlRow, WrittenRow } from '../sql-driver.ts';
import { StoreUnavailableError } from '../store.ts';
import type { Lanes } from './lanes.ts';
import { LaneForgedError, selectWithLanes, toLaneCells } from './open-lane.ts';
import { anchoredRecordKinds, anchoredSegment, SetHash } from './set-hash.ts';

const selectAll = selectWithLanes(anchoredRecordKinds);

/** Before that time a comparison that has failed is not repeated. */
const retryMilliseconds = 1_000;
/** Records that one line names. */
const maxNamed = 5;
/** How often the records are read because some of them, or lanes, change meanwhile. */
const maxReads = 3;

/** An anchored record, none of which expires. */
interface MirroredRecord {
  readonly kind: string;
  /** Version and tag of the box. */
  readonly state: string;
}

/**
 * The versions of all anchored records, compared with the hash that the lanes state of them: a record that is
 * missing or an earlier version is recognised at its first read after a start. Once a rollback was found, the
 * records of before are served only.
 */
export class RecordMirror {
  readonly #search: Read;
  readonly #lanes: Pick<Lanes, 'expectLanes' | 'compareFolded'>;
  readonly #vault: Vault;
  /** By key; undefined before the records were compared. */
  #records: Map<string, MirroredRecord> | undefined;
  #commits = 0;
  #failure: { readonly problem: string; readonly at: number } | undefined;
  #comparing: Promise<string | undefined> | undefined;

  /** @param search reads committed rows at one moment, as `SqlDriver.search` */
  constructor(search: Read, lanes: Pick<Lanes, 'expectLanes' | 'compareFolded'>, vault: Vault) {
    this.#search = search;
    this.#lanes = lanes;
    this.#vault = vault;
  }

  /** Whether that is the record that the database must have; undefined: none. */
  matches(key: string, row: RowVersion | undefined): boolean {
    return this.#records !== undefined && this.#records.get(key)?.state === (row && textOf(row));
  }

  /** How many records of a kind the database must have. */
  count(kind: string): number {
    return [...(this.#records?.values() ?? [])].filter((record) => record.kind === kind).length;
  }

  /** Remembers what this process has committed. */
  learnCommitted({ id, kind = '', after }: WrittenRow): void {
    if (!anchoredRecordKinds.includes(kind)) return;
    this.#commits += 1;
    if (after === null) this.#records?.delete(id);
    else this.#records?.set(id, { kind, state: textOf(after) });
  }

  /**
   * Reads the records and compares them with the lanes; resolves with what is wrong, a line for the operator,
   * or undefined. Calls at the same time share one comparison.
   * @throws {StoreUnavailableError} when the database cannot be read
   * @throws {VaultUnavailableError} when the vault is sealed
   */
  compare(): Promise<string | undefined> {
    const failure = this.#failure;
    if (failure !== undefined && performance.now() - failure.at < retryMilliseconds)
      return Promise.resolve(failure.problem);
    this.#comparing ??= this.#compare().finally(() => {
      this.#comparing = undefined;
    });
    return this.#comparing;
  }

  async #compare(): Promise<string | undefined> {
    let problem: string | undefined;
    for (let reads = 1, commits = -1; commits !== this.#commits && reads <= maxReads; reads += 1) {
      commits = this.#commits;
      try {
        this.#records = await this.#read();
        problem = undefined;
      } catch (error) {
        if (!(error instanceof LaneForgedError)) throw error;
        problem = error.message;
      }
    }
    this.#failure = problem === undefined ? undefined : { problem, at: performance.now() };
    return problem;
  }

  /** @throws {LaneForgedError} when the records are not those that the lanes state */
  async #read(): Promise<Map<string, MirroredRecord>> {
    const { stated, records } = await this.#readSettled();
    // At the first comparison every record is opened: later each is opened when it is used.
    const isOpened = this.#records !== undefined;
    const forged = records.find((row) => !isTyped(row) || !(isOpened || opens(row, this.#vault)));
    if (forged !== undefined)
      throw new LaneForgedError(
        `the record ${forged.kind} ${forged.key} in the database was altered outside kmipd`,
      );
    const keys = new Set<unknown>();
    const twice = records.find(({ key }) => keys.size === keys.add(key).size);
    if (twice !== undefined)
      throw new LaneForgedError(`the record ${twice.kind} ${twice.key} is in the database twice`);
    const present = new SetHash();
    for (const row of records) present.add(anchoredSegment, this.#elementOf(row));
    if (!stated.agrees(anchoredSegment, present))
      throw new LaneForgedError(
        `the records of clients and policies in the database are not those that kmipd has written: ${records.length} are there, ${stated.rows(anchoredSegment)} were written${this.#nameDifferences(records)}`,
      );
    return new Map(records.map(toMirrored));
  }

  /** Reads the records and what the lanes state of them, again while lanes appear or go meanwhile. */
  async #readSettled(): Promise<{ readonly stated: SetHash; readonly records: readonly SqlRow[] }> {
    for (let reads = 1; reads <= maxReads; reads += 1) {
      const sumLater = await this.#lanes.expectLanes(this.#vault);
      const rows = await this.#search(selectAll, []);
      const stated = sumLater(rows.filter(({ kind }) => kind === 'lane').map(toLaneCells));
      if (stated !== undefined) return { stated, records: rows.filter(({ kind }) => kind !== 'lane') };
      await this.#lanes.compareFolded(this.#vault);
    }
    throw new StoreUnavailableError('nodes are added to the database and removed all the time; try again');
  }

  /** Names some records that differ from those of the last comparison; nothing at a start. */
  #nameDifferences(records: readonly SqlRow[]): string {
    const found = new Map(records.map(toMirrored));
    const missing = [...(this.#records ?? [])].filter(([key]) => !found.has(key));
    const others = [...found].filter(([key, { state }]) => this.#records?.get(key)?.state !== state);
    const names = [
      ...missing.map(([key, { kind }]) => `${kind} ${key} is missing`),
      ...others.map(([key, { kind }]) => `${kind} ${key} is another one than before`),
    ];
    if (this.#records === undefined || names.length === 0) return '';
    const more = names.length > maxNamed ? ` and ${names.length - maxNamed} more` : '';
    return `; ${names.slice(0, maxNamed).join(', ')}${more}`;
  }

  #elementOf({ key, version, box }: SqlRow): bigint {
    return this.#vault.element('sealed_record', key as string, version as number, boxTag(box as SealedKey));
  }
}

function isTyped({ key, grp, version, expires, box }: SqlRow): boolean {
  const isNamed = typeof key === 'string' && typeof grp === 'string' && box instanceof Uint8Array;
  return isNamed && isCount(version) && (expires === null || isCount(expires));
}

function opens({ kind, key, grp, version, expires, box }: SqlRow, vault: Vault): boolean {
  const context: RecordContext = {
    kind: 'record',
    recordKind: kind as string,
    key: key as string,
    group: grp as string,
    version: version as number,
    expires: expires as number | null,
  };
  try {
    vault.open(context, box as SealedKey).fill(0);
    return true;
  } catch (error) {
    if (error instanceof SealBrokenError) return false;
    throw error;
  }
}

function toMirrored({ kind, key, version, box }: SqlRow): [string, MirroredRecord] {
  const state = textOf({ version: version as number, tag: boxTag(box as SealedKey) });
  return [key as string, { kind: kind as string, state }];
}

function textOf({ version, tag }: RowVersion): string {
  return `${version} ${tag.toHex()}`;
}
