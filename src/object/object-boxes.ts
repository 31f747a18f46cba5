import {
  decodeManagedObject,
  encodeManagedObject,
  type ManagedObjectValue,
} from '../../codec/structures/managed-objects.ts';
import { joinBytes, splitBytes } from '../common/bytes.ts';
import type { LoadedObject } from '../store/store.ts';
import {
  boxBinding,
  type ObjectBoxContext,
  type SealedKey,
  type ValueContext,
  type Vault,
} from '../vault/vault.ts';
import { addProvenance, type Provenance, splitProvenance } from './provenance.ts';

/**
 * The boxes of an object. One has the attributes with the maker, and the content: value and provenance. A
 * large content has a box of its own, so that a change of the attributes does not seal it again; the first
 * box is bound to it.
 */

/** Up to so many bytes the content is in the box of the attributes. */
const maxInlineBytes = 4_096;

/** What a row states of its object beside the boxes. */
type ObjectRow = Pick<LoadedObject, 'id' | 'group' | 'objectType' | 'version'>;

interface OpenedContent {
  readonly value: ManagedObjectValue;
  readonly provenance: Provenance;
}

/**
 * The value of an object with its provenance, decoded at the first access, and decrypted then if it has a box
 * of its own. Never changes, so that clones of an object share it.
 */
export class ObjectContent {
  /** As stored in a box of its own; undefined where it is in the box of the attributes, or new. */
  readonly box: SealedKey | undefined;
  readonly #read: (() => Uint8Array) | undefined;
  #opened: OpenedContent | undefined;

  private constructor(content: {
    box?: SealedKey;
    read?: () => Uint8Array;
    opened?: OpenedContent | undefined;
  }) {
    this.box = content.box;
    this.#read = content.read;
    this.#opened = content.opened;
  }

  /** A new content, which has not been stored. */
  static of(value: ManagedObjectValue, provenance: Provenance): ObjectContent {
    return new ObjectContent({ opened: { value, provenance } });
  }

  /** The content in the box of the attributes. */
  static inline(bytes: Uint8Array): ObjectContent {
    return new ObjectContent({ read: () => bytes });
  }

  /** The content in a box of its own. */
  static apart(box: SealedKey, open: () => Uint8Array): ObjectContent {
    return new ObjectContent({ box, read: open });
  }

  /** @throws {VaultUnavailableError} and {SealBrokenError} for a box of its own */
  get value(): ManagedObjectValue {
    return this.#open().value;
  }

  /** @throws as `value` */
  get provenance(): Provenance {
    return this.#open().provenance;
  }

  /** Returns the bytes for a box; the caller wipes them. */
  encode(): Uint8Array {
    if (this.#read !== undefined) return this.#read().slice();
    const { provenance, value } = this.#open();
    const encoded = encodeManagedObject(value);
    const bytes = addProvenance(provenance, encoded);
    encoded.fill(0);
    return bytes;
  }

  #open(): OpenedContent {
    if (this.#opened === undefined) {
      const { provenance, value } = splitProvenance(this.#read?.() ?? new Uint8Array());
      this.#opened = { provenance, value: decodeManagedObject(value) };
    }
    return this.#opened;
  }
}

/** What the boxes of an object contain. */
export interface OpenedObject {
  /** Attributes and maker, as `maker.ts` splits them; a view of what was opened. */
  readonly attributes: Uint8Array;
  /** Undefined for destroyed objects, and objects without a value. */
  readonly content: ObjectContent | undefined;
}

/**
 * Opens the box of the attributes.
 * @throws {VaultUnavailableError} when the vault is sealed
 * @throws {SealBrokenError} when the row is not as it was written
 */
export function openObject(row: LoadedObject, vault: Vault): OpenedObject {
  const [attributes, inline] = splitBytes(vault.open(contextOf(row, row.value), row.box));
  return { attributes, content: contentOf(row, inline, vault) };
}

function contentOf(row: LoadedObject, inline: Uint8Array, vault: Vault): ObjectContent | undefined {
  const { value: box } = row;
  if (box !== null) return ObjectContent.apart(box, () => vault.open(valueContextOf(row), box));
  return inline.length === 0 ? undefined : ObjectContent.inline(inline);
}

/**
 * Seals an object for a row. A content that has a box of its own keeps it.
 * @throws {VaultUnavailableError} when the vault is sealed
 */
export function sealObject(
  row: ObjectRow,
  { attributes, content }: OpenedObject,
  vault: Vault,
): Pick<LoadedObject, 'box' | 'value'> {
  const { inline, value } = placeContent(row, content, vault);
  const plain = joinBytes(attributes, inline);
  const box = vault.seal(contextOf(row, value), plain);
  for (const bytes of [plain, inline]) bytes.fill(0);
  return { box, value };
}

function placeContent(
  row: ObjectRow,
  content: ObjectContent | undefined,
  vault: Vault,
): { readonly inline: Uint8Array; readonly value: SealedKey | null } {
  const none = new Uint8Array();
  if (content === undefined) return { inline: none, value: null };
  if (content.box !== undefined) return { inline: none, value: content.box };
  const encoded = content.encode();
  if (encoded.length <= maxInlineBytes) return { inline: encoded, value: null };
  const value = vault.seal(valueContextOf(row), encoded);
  encoded.fill(0);
  return { inline: none, value };
}

function contextOf({ id, group, objectType, version }: ObjectRow, value: SealedKey | null): ObjectBoxContext {
  const valueBinding = value === null ? null : boxBinding(value);
  return { kind: 'object', id, group, objectType, version, valueBinding };
}

function valueContextOf({ id, group, objectType }: ObjectRow): ValueContext {
  return { kind: 'value', id, group, objectType };
}
