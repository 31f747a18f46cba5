import type { CryptographicAlgorithm, KeyFormatType } from '../../codec/enums.ts';
import type { KeyBlock, KeyMaterial } from '../../codec/structures/key-block.ts';
import type { ObjectTypeName } from '../../codec/structures/managed-objects.ts';

/** A key that is not wrapped, with the claims of its Key Block (KMIP 2.1 §3.1) about algorithm and length. */
export interface PlainKey {
  readonly objectType: ObjectTypeName;
  readonly KeyFormatType: KeyFormatType;
  readonly KeyMaterial: KeyMaterial;
  readonly CryptographicAlgorithm?: CryptographicAlgorithm | undefined;
  /** Bits. */
  readonly CryptographicLength?: number | undefined;
}

/**
 * Returns the plain key of a Key Block, its material uncopied; undefined when the key is wrapped, or when
 * only metadata is stored.
 */
export function plainKey(objectType: ObjectTypeName, block: KeyBlock): PlainKey | undefined {
  const { KeyValue, KeyFormatType, CryptographicAlgorithm, CryptographicLength } = block;
  if (KeyValue === undefined || KeyValue instanceof Uint8Array || block.KeyWrappingData !== undefined)
    return undefined;
  return {
    objectType,
    KeyFormatType,
    KeyMaterial: KeyValue.KeyMaterial,
    CryptographicAlgorithm,
    CryptographicLength,
  };
}
