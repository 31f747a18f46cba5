import {
  decodeManagedObject,
  encodeManagedObject,
  type ManagedObjectValue,
} from '../../codec/structures/managed-objects.ts';
import { concatBytes } from '../common/bytes.ts';
import type { LoadedObject } from '../store/store.ts';
import { boxBinding, type ObjectContext, type SealedKey, type Vault } from '../vault/vault.ts';
import { addProvenance, type Provenance, splitProvenance } from './provenance.ts';

/**
 * The boxes of an object. One has the length of its attributes (u32), the attributes with the maker, and the
 * content: value and provenance. A large content has a box of its own, so that a change of the attributes
 * does not seal it again; the first box is bound to it.
 */

/** Up to so many bytes the content is in the box of the attributes. */
const maxInlineBytes = 4_096;
const lengthBytes = 4;

type ObjectIdentity = Pick<LoadedObject, 'id' | 'group' | 'objectType' | 'version'>;

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

  /** Returns the bytes for a box, which the caller must not change, without a box of its own. */
  encode(): Uint8Array {
    if (this.#read !== undefined) return this.#read();
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
