import {
  type BoxKeys,
  boxFormat,
  deriveBoxKeys,
  openBox,
  readBoxKeyId,
  sealBox,
  wipeBoxKeys,
} from './box.ts';
import { firstFormat, openFirstFormat, readFirstFormatKeyId } from './first-format.ts';
import type { SealContext, SealedKey } from './vault.ts';

/** Sealed values of every format, which is their first byte. */

/** A sealing key and the keys that are derived from it. */
export interface SealingKey {
  readonly id: number;
  readonly key: Uint8Array;
  readonly boxKeys: BoxKeys;
  /** POSIX seconds. */
  readonly createdAt: number;
}

interface Format {
  readKeyId(sealed: Uint8Array): number | undefined;
  open(key: SealingKey, context: SealContext, sealed: Uint8Array): Uint8Array | undefined;
}

const formats: Readonly<Record<number, Format>> = {
  [firstFormat]: {
    readKeyId: readFirstFormatKeyId,
    open: ({ key }, context, sealed) => openFirstFormat(key, context, sealed),
  },
  [boxFormat]: {
    readKeyId: readBoxKeyId,
    open: ({ boxKeys }, context, sealed) => openBox(boxKeys, context, sealed),
  },
};

const formatOf = (sealed: Uint8Array): Format | undefined => formats[sealed[0] ?? 0];

/** Takes over the bytes of a sealing key. */
export function createSealingKey(id: number, key: Uint8Array, createdAt: number): SealingKey {
  return { id, key, boxKeys: deriveBoxKeys(key), createdAt };
}

/** Overwrites a sealing key. */
export function wipeSealingKey({ key, boxKeys }: SealingKey): void {
  key.fill(0);
  wipeBoxKeys(boxKeys);
}

/** Encrypts `plain` for one row. */
export function sealValue({ id, boxKeys }: SealingKey, context: SealContext, plain: Uint8Array): SealedKey {
  return sealBox(boxKeys, id, context, plain) as SealedKey;
}

/** Returns the id of the sealing key of a sealed value; undefined for other bytes. */
export function readKeyId(sealed: Uint8Array): number | undefined {
  return formatOf(sealed)?.readKeyId(sealed);
}

/** Decrypts a sealed value; undefined when it was sealed for another row, under another key, or changed. */
export function openValue(key: SealingKey, context: SealContext, sealed: Uint8Array): Uint8Array | undefined {
  return formatOf(sealed)?.open(key, context, sealed);
}

/** Whether a sealed value has the format in which values are sealed now. */
export function isCurrentFormat(sealed: Uint8Array): boolean {
  return sealed[0] === boxFormat;
}
