import type { KeyFormatType } from '../../codec/enums.ts';
import { StorageStatusMask } from '../../codec/masks.ts';
import { hasKeyBlock, type ManagedObjectValue } from '../../codec/structures/managed-objects.ts';
import { fail } from '../common/errors.ts';
import { type PlainKey, plainKey } from '../crypto/plain-key.ts';
import { locateFilter } from '../object/locate-filter.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import { isClosed, isForWrappingOnly } from '../object/provenance.ts';
import type { Context } from './context.ts';

/** Objects whose values are the same key. */

const everyStorage = StorageStatusMask.members.reduce((mask, name) => mask | StorageStatusMask.bit(name), 0);

const privateFormats: readonly KeyFormatType[] = [
  'PKCS_8',
  'PKCS_1',
  'ECPrivateKey',
  'TransparentRSAPrivateKey',
  'TransparentECPrivateKey',
];

/** Objects with one value that are looked at; a client cannot make another guarded one. */
const maxTwins = 100;

/**
 * Under `strict` protection refuses an object that came back under another key, or in parts, with more uses
 * than the closed key of the same value: by these uses a client could decrypt what the closed key has
 * wrapped, also when that has been destroyed since.
 * @throws {KmipError} IncompatibleCryptographicUsageMask (1.x: InvalidField)
 */
export async function requireNoWiderUse(object: ManagedObject, context: Context): Promise<void> {
  const { value, provenance } = object;
  const { wholeGroup } = context.work;
  if (context.protection === 'kmip' || value === undefined || isForWrappingOnly(provenance.masks)) return;
  for (const digest of digestsOf(value, context)) {
    const attributes = [{ name: 'Digest', value: { DigestValue: digest } as never } as const];
    const filter = locateFilter({ attributes, storageStatusMask: everyStorage, now: context.now });
    const { ids } = await wholeGroup.find({ filter, offset: 0, limit: maxTwins });
    for (const id of ids) {
      const twin = id === object.id ? undefined : await wholeGroup.load(id);
      if (twin !== undefined && isOrWasClosed(twin))
        fail(
          'IncompatibleCryptographicUsageMask',
          'this key wraps others, so it may wrap and unwrap only',
          'InvalidField',
        );
    }
  }
}

/** A destroyed object has no provenance left; its attributes still tell what it was for. */
function isOrWasClosed({ attributes, destroyed, provenance }: ManagedObject): boolean {
  const mask = attributes.get('CryptographicUsageMask') ?? 0;
  return destroyed ? attributes.get('Sensitive') === true && isForWrappingOnly(mask) : isClosed(provenance);
}

/** The digests that objects with this key have, in whatever format they store it. */
function digestsOf(value: ManagedObjectValue, { crypto }: Context): readonly Uint8Array[] {
  const key = hasKeyBlock(value) ? plainKey(value.type, value.value.KeyBlock) : undefined;
  if (key === undefined) return [];
  const forms = [
    value,
    ...(key.objectType === 'PrivateKey' ? privateForms(key, crypto) : symmetricForms(key)),
  ];
  const digests = forms.flatMap((form) => crypto.digestObject(form)?.DigestValue ?? []);
  return [...new Map(digests.map((digest) => [digest.toHex(), digest])).values()];
}

function symmetricForms({ KeyMaterial: material }: PlainKey): ManagedObjectValue[] {
  const bytes = material instanceof Uint8Array ? material : material.Key;
  if (bytes === undefined) return [];
  return [
    form('SymmetricKey', 'Raw', bytes),
    form('SymmetricKey', 'TransparentSymmetricKey', { Key: bytes }),
  ];
}

function privateForms(key: PlainKey, crypto: Context['crypto']): ManagedObjectValue[] {
  return privateFormats.flatMap((format) => {
    try {
      return [form('PrivateKey', format, crypto.convertKey(key, format))];
    } catch {
      return []; // The key has no such form.
    }
  });
}

function form(
  type: 'SymmetricKey' | 'PrivateKey',
  KeyFormatType: KeyFormatType,
  KeyMaterial: PlainKey['KeyMaterial'],
): ManagedObjectValue {
  return { type, value: { KeyBlock: { KeyFormatType, KeyValue: { KeyMaterial, Attributes: [] } } } };
}
