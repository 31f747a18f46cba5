import { toChainEntries } from '../audit/entry-text.ts';
import { restore } from '../object/replace-existing.ts';
import type { StateName } from '../object/state.ts';
import { decodeReleased, tokenKeyKind } from '../operations/made-token-keys.ts';
import {
  type RestorableObject,
  readKeptAttributes,
  readRestorable,
  restorableKind,
} from '../operations/restorable-objects.ts';
import type { Store } from '../store/store.ts';
import type { Vault } from '../vault/vault.ts';
import { ChangedMeanwhileError } from './unit-of-work/changed-meanwhile.ts';
import { maxConflictRetries } from './unit-of-work/conflict-retry.ts';
import { UnitOfWork } from './unit-of-work/unit-of-work.ts';

/** A destroyed object in its waiting period. */
export interface ListedRestorable extends Omit<RestorableObject, 'version'> {
  readonly id: string;
  readonly group: string;
}

/** Some of them. */
export interface RestorablePage {
  readonly objects: readonly ListedRestorable[];
  /** Where the next page begins; null: this was the last one. */
  readonly next: number | null;
}

/** What an object is again. */
export interface RestoredObject {
  readonly group: string;
  readonly state: StateName;
}

/** Objects of one page. */
const maxPage = 500;

/** Objects that clients have destroyed and that can be restored, by their records. */
export class RestorableDirectory {
  readonly #store: Store;
  readonly #vault: Vault;
  readonly #uniqueNames: boolean;

  /** `uniqueNames`: an object is not restored while another one of its group has one of its Names. */
  constructor(store: Store, vault: Vault, { uniqueNames }: { readonly uniqueNames: boolean }) {
    [this.#store, this.#vault, this.#uniqueNames] = [store, vault, uniqueNames];
  }

  /**
   * Lists some of them. Rejects as store and vault do.
   * @param after where the page begins: 0, or `next` of the page before
   */
  async list(after: number): Promise<RestorablePage> {
    const { records, next } = await this.#begin().recordPage(restorableKind, after, maxPage);
    const objects = records.map(({ id, group, content }) => {
      const { version: _, ...restorable } = readRestorable(content);
      return { id, group, ...restorable };
    });
    return { objects, next };
  }

  /**
   * Restores an object. Resolves to why that cannot be, a text for an operator, or to what the object is.
   * @param time the latest that is known, POSIX seconds
   * @throws {ChangedMeanwhileError} when others never let it commit; {SealBrokenError} when a row was altered
   */
  async restore(id: string, time: number): Promise<RestoredObject | string> {
    for (let attempt = 0; attempt <= maxConflictRetries; attempt += 1) {
      const unit = this.#begin();
      const restored = await restoreIn(unit, id, time);
      if (typeof restored === 'string') return restored;
      const result = await unit.commit();
      if (result === 'committed') return restored;
      if (result === 'taken')
        return 'another object of its group has one of its Names; rename that one first';
    }
    throw new ChangedMeanwhileError('the object was');
  }

  /**
   * Removes the values whose waiting period is over. What another process changes at the same time, and what
   * does not open, stays for the next turn.
   * @param time the latest that is known, POSIX seconds
   * @param node records each removal with its commit; nothing is recorded when it is left out
   */
  async removeDue(time: number, node: string | undefined): Promise<void> {
    for (let after: number | null = 0; after !== null; ) {
      const { records, next } = await this.#begin().recordPage(restorableKind, after, maxPage);
      for (const { id, content } of records)
        if (readRestorable(content).until <= time) await this.#remove(id, time, node).catch(() => {});
      after = next;
    }
  }

  async #remove(id: string, time: number, node: string | undefined): Promise<void> {
    const unit = this.#begin();
    const found = await findKept(unit, id);
    if (found === undefined || found.restorable.until > time) return;
    const { object, layer } = found;
    unit.removeRecord(restorableKind, id);
    if (object !== undefined) {
      object.setValue(undefined);
      layer.keep();
    }
    if (node !== undefined) {
      const objects = [{ id, type: found.restorable.type }];
      const items = [{ operation: 'RemoveDestroyed', objects, result: 'Success' as const }];
      unit.audit(toChainEntries({ time: Date.now(), kind: 'server', node, items }));
    }
    await unit.commit();
  }

  #begin(): UnitOfWork {
    const now = Math.floor(Date.now() / 1000);
    return new UnitOfWork(this.#store, this.#vault, { uniqueNames: this.#uniqueNames, now });
  }
}

/**
 * Loads the record and the object of an identifier; undefined without a record. The object is undefined where
 * the record is not of its last destruction: somebody has put it back.
 */
async function findKept(unit: UnitOfWork, id: string) {
  const record = await unit.record(restorableKind, id);
  if (record === undefined) return undefined;
  const restorable = readRestorable(record.content);
  unit.actFor(record.group);
  const layer = unit.layer('unused');
  const object = await layer.load(id);
  const { until, version } = restorable;
  const retention = object?.retention;
  const isSame = retention?.until === until && retention.version === version;
  return { restorable, record, layer, object: isSame ? object : undefined };
}

async function restoreIn(unit: UnitOfWork, id: string, time: number): Promise<RestoredObject | string> {
  const found = await findKept(unit, id);
  if (found === undefined) return `${JSON.stringify(id)} is no destroyed object in its waiting period`;
  const { restorable, record, layer, object } = found;
  if (object === undefined) return `nothing is kept of ${JSON.stringify(id)}`;
  if (restorable.until <= time) return `the waiting period of ${JSON.stringify(id)} is over`;
  restore(object, readKeptAttributes(id, record.content), unit.now);
  const { token } = object.provenance;
  if (token !== undefined) {
    const released = await unit.record(tokenKeyKind, token.id);
    if (released === undefined || decodeReleased(released.content).isEnding)
      return `the key of ${JSON.stringify(id)} is removed from its token`;
    unit.removeRecord(tokenKeyKind, token.id);
  }
  layer.keep();
  unit.removeRecord(restorableKind, id);
  return { group: object.group, state: object.state(unit.now) };
}
