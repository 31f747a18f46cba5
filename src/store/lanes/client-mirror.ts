import {
  boxTag,
  type RecordContext,
  SealBrokenError,
  type SealedKey,
  type Vault,
} from '../../vault/vault.ts';
import type { Read, RowVersion, SqlRow, WrittenRow } from '../sql-driver.ts';
import type { LaneRow } from './lane-history.ts';
import { LaneForgedError, sumLanes, toLaneRow } from './open-lane.ts';
import { clientRecordKinds, clientSegment, SetHash } from './set-hash.ts';

/** Reads all lanes and all records of clients at one moment. */
const selectAll =
  "select 'lane' as kind, name as key, '' as grp, seq as version, era as expires, box from lane" +
  ' union all select kind, key, grp, version, expires, box from sealed_record' +
  ` where kind in (${clientRecordKinds.map((kind) => `'${kind}'`).join(', ')})`;

/** Before that time a comparison that has failed is not repeated. */
const retryMilliseconds = 1_000;
/** How often the records are read because this process commits some of them meanwhile. */
const maxReads = 3;

/**
 * The versions of all records of clients, compared with the hash that the lanes state of them: a record that
 * is missing or an earlier version is recognised at its first read after a start.
 */
export class ClientMirror {
  readonly #search: Read;
  readonly #vault: Vault;
  /** By key; undefined before the records were compared. */
  #versions: Map<string, string> | undefined;
  #commits = 0;
  #failure: { readonly problem: string; readonly at: number } | undefined;
  #comparing: Promise<string | undefined> | undefined;

  /** @param search reads committed rows at one moment, as `SqlDriver.search` */
  constructor(search: Read, vault: Vault) {
    this.#search = search;
    this.#vault = vault;
  }

  /** Whether that is the record that the database must have; undefined: none. */
  matches(key: string, row: RowVersion | undefined): boolean {
    return this.#versions !== undefined && this.#versions.get(key) === (row && textOf(row));
  }

  /** Remembers what this process has committed. */
  learnCommitted({ id, kind = '', after }: WrittenRow): void {
    if (!clientRecordKinds.includes(kind)) return;
    this.#commits += 1;
    if (after === null) this.#versions?.delete(id);
    else this.#versions?.set(id, textOf(after));
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
      const rows = await this.#search(selectAll, []);
      const lanes = rows.filter(({ kind }) => kind === 'lane').map((row) => toLaneRow(toLane(row)));
      const records = rows.filter(({ kind }) => kind !== 'lane');
      problem = this.#findDifference(lanes, records) ?? this.#findForged(records);
      if (problem === undefined) this.#versions = new Map(records.map(toVersion));
    }
    this.#failure = problem === undefined ? undefined : { problem, at: performance.now() };
    return problem;
  }

  #findDifference(lanes: readonly LaneRow[], records: readonly SqlRow[]): string | undefined {
    const present = new SetHash();
    for (const row of records) present.add(clientSegment, this.#elementOf(row));
    try {
      const stated = sumLanes(lanes, this.#vault);
      if (stated.agrees(clientSegment, present)) return undefined;
      return `the records of clients in the database are not those that kmipd has written: ${present.rows(clientSegment)} are there, ${stated.rows(clientSegment)} were written`;
    } catch (error) {
      if (error instanceof LaneForgedError) return error.message;
      throw error;
    }
  }

  #elementOf({ key, version, box }: SqlRow): bigint {
    return this.#vault.element('sealed_record', key as string, version as number, boxTag(box as SealedKey));
  }

  /** At the first comparison opens every record: later each is opened when it is used. */
  #findForged(records: readonly SqlRow[]): string | undefined {
    if (this.#versions !== undefined) return undefined;
    const forged = records.find((row) => !opens(row, this.#vault));
    return forged && `the record ${forged.kind} ${forged.key} in the database was altered outside kmipd`;
  }
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

function toLane({ key, version, expires, box }: SqlRow): SqlRow {
  return { name: key ?? '', seq: version ?? 0, era: expires ?? 0, box: box ?? '' };
}

function toVersion({ key, version, box }: SqlRow): [string, string] {
  return [key as string, textOf({ version: version as number, tag: boxTag(box as SealedKey) })];
}

function textOf({ version, tag }: RowVersion): string {
  return `${version} ${tag.toHex()}`;
}
