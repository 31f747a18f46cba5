import { createHash } from 'node:crypto';
import { decodeAttributes } from '../../codec/stored-attributes.ts';
import { decodeManagedObject, type ObjectTypeName } from '../../codec/structures/managed-objects.ts';
import { CommandError } from '../cli/failure.ts';
import { decodeMaker, splitBesideValue } from '../object/maker.ts';
import { ManagedObject } from '../object/managed-object.ts';
import { uniqueNameKey, uniqueNameTexts } from '../object/names.ts';
import { splitProvenance } from '../object/provenance.ts';
import type { Store, StoredObject } from '../store/store.ts';
import { boxEpoch, type Vault } from '../vault/vault.ts';
import type { Conversion } from './convert-records.ts';
import { type OldObject, readOldObjects } from './old-rows.ts';
import type { OldVault } from './old-vault.ts';

/**
 * Converts the objects. While some are committed, the next ones are sealed.
 * @throws {CommandError} when an object does not open, or is not as in the inventory.
 */
export async function convertObjects(conversion: Conversion): Promise<void> {
  const { read, inventory, oldVault, store, vault, report, progress, requireLock } = conversion;
  let committing = Promise.resolve();
  for await (const page of readOldObjects(read)) {
    for (const { row } of page) inventory.compare(row);
    const inserts = page.map((old) => convertObject(old, oldVault, vault));
    await committing;
    requireLock();
    committing = commit(store, inserts);
    // Handled where it is awaited; another error may come first.
    committing.catch(() => {});
    for (const { group, objectType } of inserts) report.addObject(group, objectType);
    progress.add(inserts.length);
  }
  await committing;
  inventory.compareEnd('object');
}

async function commit(store: Store, inserts: readonly StoredObject[]): Promise<void> {
  const result = await store.commit({ expects: [], inserts, updates: [] });
  if (result !== 'committed') throw new CommandError(`the conversion of the database stopped: ${result}`);
}

/**
 * Opens an object of the first design and returns its row in the second one, as version 1.
 * @throws {CommandError} when its value does not open, or it cannot be decoded.
 */
function convertObject(old: OldObject, oldVault: OldVault, vault: Vault): StoredObject {
  const { object, plain } = openOldObject(old, oldVault);
  const stored = object.toStored(vault, { uniqueNames: false });
  plain?.fill(0);
  if (old.uniqueKeys.size === 0) return stored;
  // The names that the object had, whatever the option says now and whoever had its other names.
  const names = [...uniqueNameTexts(object.attributes)].filter((text) => old.uniqueKeys.has(toOldKey(text)));
  const index = vault.indexOf(boxEpoch(stored.box));
  const add = names.map((text) => uniqueNameKey(index, old.group, text));
  return { ...stored, uniqueNames: { add, remove: [] } };
}

/** Returns the object, and the bytes of its value, which it uses. */
function openOldObject(
  { row, id, group, objectType, attributes, sealed }: OldObject,
  vault: OldVault,
): { readonly object: ManagedObject; readonly plain: Uint8Array | undefined } {
  const fail = (why: string): never => {
    throw new CommandError(`the conversion of the database stopped at ${row.name}: ${why}`);
  };
  const context = { kind: 'value', id, group, objectType } as const;
  const plain =
    sealed === null ? undefined : (vault.open(context, sealed) ?? fail('its value does not open'));
  try {
    const content = plain && splitProvenance(plain);
    const beside = splitBesideValue(attributes);
    const object = ManagedObject.create({
      id,
      type: objectType as ObjectTypeName,
      group,
      value: content && decodeManagedObject(content.value),
      maker: beside.maker && decodeMaker(beside.maker),
    });
    for (const attribute of decodeAttributes(beside.attributes)) object.attributes.add(attribute);
    if (content !== undefined) object.changeProvenance(content.provenance);
    return { object, plain };
  } catch {
    return fail('it cannot be decoded');
  }
}

/** Returns a Name as the first design kept it unique: a long one by its digest. */
function toOldKey(text: string): string {
  const key = `Name:${text}`;
  return key.length <= 256 ? key : `sha256:${createHash('sha256').update(key).digest('hex')}`;
}
