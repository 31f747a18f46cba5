import { toChainEntries } from '../audit/entry-text.ts';
import { restore } from '../object/replace-existing.ts';
import type { StateName } from '../object/state.ts';
import { keyCopiesKind, originOf } from '../operations/key-copies.ts';
import { decodeReleased, tokenKeyKind } from '../operations/made-token-keys.ts';
import {
  copiesText,
  type RestorableObject,
  readRestorable,
  restorableKind,
} from '../operations/restorable-objects.ts';
import { destroyedIdentityKind } from '../operations/revocation-records.ts';
import type { Store } from '../store/store.ts';
import type { Vault } from '../vault/vault.ts';
import { ChangedMeanwhileError } from './unit-of-work/changed-meanwhile.ts';
import { maxConflictRetries } from './unit-of-work/conflict-retry.ts';
import { OperatorUnits } from './unit-of-work/operator-units.ts';
import type { UnitOfWork } from './unit-of-work/unit-of-work.ts';

/** A destroyed object in its waiting period. */
export interface ListedRestorable extends RestorableObject {
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

/**
 * Objects that clients have destroyed and that can be restored. Lists go by their records; an object that has
 * lost its record is restored all the same, and purged.
 */
export class RestorableDirectory {
  readonly #store: Store;
  readonly #units: OperatorUnits;

  /** `uniqueNames`: an object is not restored while another one of its group has one of its Names. */
  constructor(store: Store, vault: Vault, options: { readonly uniqueNames: boolean }) {
    this.#store = store;
    this.#units = new OperatorUnits(store, vault, options);
  }

  /**
   * Lists some of them. Rejects as store and vault do.
   * @param after where the page begins: 0, or `next` of the page before
   */
  async list(after: number): Promise<RestorablePage> {
    const { records, next } = await this.#units.begin().recordPage(restorableKind, after, maxPage);
    const objects = records.map(({ id, group, content }) => ({ id, group, ...readRestorable(content) }));
    return { objects, next };
  }

  /**
   * Restores an object. Resolves to why that cannot be, a text for an operator, or to what the object is.
   * @throws {ChangedMeanwhileError} when others never let it commit; {SealBrokenError} when a row was altered
   */
  async restore(id: string): Promise<RestoredObject | string> {
    const group = await this.#store.groupOf(id);
    if (group === undefined) return `there is no object ${JSON.stringify(id)}`;
    for (let attempt = 0; attempt <= maxConflictRetries; attempt += 1) {
      const unit = this.#units.begin();
      unit.actFor(group);
      const restored = await restoreIn(unit, id);
      if (typeof restored === 'string') return restored;
      const result = await unit.commit();
      if (result === 'committed') return restored;
      if (result === 'taken')
        return 'another object of its group has one of its Names; rename that one first';
    }
    throw new ChangedMeanwhileError('the object was');
  }

  /**
   * Removes a value whose waiting period is over, and its record; nothing happens while it is not. What
   * another process changes at the same time stays for the next time.
   * @param node records the removal with its commit; nothing is recorded when it is left out
   * @throws {SealBrokenError} when a row was altered
   */
  async remove({ id, group, type }: ListedRestorable, node: string | undefined): Promise<void> {
    const unit = this.#units.begin();
    unit.actFor(group);
    const layer = unit.layer('unused');
    const object = await layer.load(id);
    const { retention } = object ?? {};
    if (retention !== undefined && retention.until > unit.now) return;
    await removeRecord(unit, restorableKind, id);
    if (retention !== undefined) {
      object?.setValue(undefined);
      layer.keep();
      const items = [{ operation: 'RemoveDestroyed', objects: [{ id, type }], result: 'Success' }];
      if (node !== undefined) unit.audit(toChainEntries({ time: Date.now(), kind: 'server', node, items }));
    }
    await unit.commit();
  }
}

async function restoreIn(unit: UnitOfWork, id: string): Promise<RestoredObject | string> {
  const layer = unit.layer('unused');
  const object = await layer.load(id);
  const { retention } = object ?? {};
  if (object === undefined || retention === undefined)
    return `${JSON.stringify(id)} is no destroyed object in its waiting period`;
  if (retention.until <= unit.now) return `the waiting period of ${JSON.stringify(id)} is over`;
  restore(object, unit.now);
  const copies = await unit.record(keyCopiesKind, originOf(object));
  // Restored beside them, its uses would count twice, and a compromise of the key would not reach it.
  if (copiesText(copies?.content) !== retention.copies)
    return `the key of ${JSON.stringify(id)} has come back as another object since`;
  const { tokenKey } = object;
  if (tokenKey !== undefined) {
    const released = await unit.record(tokenKeyKind, tokenKey.id);
    if (released === undefined || decodeReleased(released.content).isEnding)
      return `the key of ${JSON.stringify(id)} is removed from its token`;
    unit.removeRecord(tokenKeyKind, tokenKey.id);
  }
  layer.keep();
  await removeRecord(unit, restorableKind, id);
  await removeRecord(unit, destroyedIdentityKind, id);
  return { group: object.group, state: object.state(unit.now) };
}

async function removeRecord(unit: UnitOfWork, kind: string, id: string): Promise<void> {
  if ((await unit.record(kind, id)) !== undefined) unit.removeRecord(kind, id);
}
