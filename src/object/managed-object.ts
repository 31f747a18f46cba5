import type { Attribute } from '../../codec/attribute.ts';
import { decodeAttributes, encodeAttributes } from '../../codec/stored-attributes.ts';
import type { RevocationReason } from '../../codec/structures/attribute-values.ts';
import {
  decodeManagedObject,
  encodeManagedObject,
  type ManagedObjectValue,
  type ObjectTypeName,
} from '../../codec/structures/managed-objects.ts';
import type { LoadedObject, SealedKey, StoredObject } from '../store/store.ts';
import type { Vault } from '../vault/vault.ts';
import { AttributeSet } from './attribute-set.ts';
import { indexEntries } from './index-entries.ts';
import { uniqueNameKeys } from './names.ts';
import {
  activate,
  archive,
  destroy,
  recordChange,
  recover,
  revoke,
  type StateName,
  stateAt,
} from './state.ts';

/** What a new object starts from. */
export interface NewObject {
  readonly id: string;
  readonly type: ObjectTypeName;
  readonly group: string;
  readonly value?: ManagedObjectValue | undefined;
}

/** An object value that is still sealed, and how to open it. */
interface Sealed {
  readonly bytes: SealedKey;
  open(): Uint8Array;
}

/**
 * A managed object: its identity, its attributes, and a value that stays sealed until somebody asks for it. Values are
 * never changed in place, only replaced, so clones share them.
 */
export class ManagedObject {
  readonly id: string;
  readonly type: ObjectTypeName;
  readonly group: string;
  /** Version in the store; 0 for an object that is not there yet. */
  readonly version: number;
  readonly attributes: AttributeSet;
  #sealed: Sealed | undefined;
  #value: ManagedObjectValue | undefined;
  #valueChanged: boolean;

  private constructor(
    identity: Pick<ManagedObject, 'id' | 'type' | 'group' | 'version'>,
    attributes: AttributeSet,
    value: { sealed?: Sealed | undefined; opened?: ManagedObjectValue | undefined; changed: boolean },
  ) {
    this.id = identity.id;
    this.type = identity.type;
    this.group = identity.group;
    this.version = identity.version;
    this.attributes = attributes;
    this.#sealed = value.sealed;
    this.#value = value.opened;
    this.#valueChanged = value.changed;
  }

  /** An object that exists in memory only, without attributes. */
  static create({ id, type, group, value }: NewObject): ManagedObject {
    return new ManagedObject({ id, type, group, version: 0 }, new AttributeSet(), {
      opened: value,
      changed: true,
    });
  }

  /** The object of a row of the store. Opens nothing. */
  static fromStored(stored: LoadedObject, vault: Vault): ManagedObject {
    const { id, group, version, sealed } = stored;
    const type = stored.objectType as ObjectTypeName;
    const context = { id, objectType: type };
    return new ManagedObject(
      { id, type, group, version },
      new AttributeSet(decodeAttributes(stored.attributes)),
      {
        sealed: sealed === null ? undefined : { bytes: sealed, open: () => vault.open(context, sealed) },
        changed: false,
      },
    );
  }

  /**
   * The object's structure; undefined once destroyed, and for objects without a value. The first call opens the seal:
   * it throws VaultUnavailable or SealBroken.
   */
  get value(): ManagedObjectValue | undefined {
    if (this.#value === undefined && this.#sealed !== undefined)
      this.#value = decodeManagedObject(this.#sealed.open());
    return this.#value;
  }

  /** Replaces the value; undefined takes it away for good. */
  setValue(value: ManagedObjectValue | undefined): void {
    this.#value = value;
    this.#sealed = undefined;
    this.#valueChanged = true;
  }

  /** Whether the store has to learn of something. */
  get changed(): boolean {
    return this.#valueChanged || this.attributes.changed;
  }

  get archived(): boolean {
    return this.attributes.has('ArchiveDate');
  }

  get destroyed(): boolean {
    return this.attributes.has('DestroyDate');
  }

  /** State at `now`, POSIX seconds; see `stateAt`. */
  state(now: number): StateName {
    return stateAt(this.attributes, now);
  }

  /** Every attribute as an answer at `now` shows it: State as the dates have it. */
  attributesAt(now: number): readonly Attribute[] {
    const state = this.state(now);
    return this.attributes
      .list()
      .map((attribute) =>
        attribute.name === 'State' && attribute.vendor === undefined
          ? { ...attribute, value: state }
          : attribute,
      );
  }

  activate(now: number): void {
    activate(this.attributes, now);
  }

  /** `occurrence`: when a compromise happened, if the client said. */
  revoke(reason: RevocationReason, occurrence: number | undefined, now: number): void {
    revoke(this.attributes, reason, occurrence, now);
  }

  destroy(now: number): void {
    destroy(this.attributes, now);
    this.setValue(undefined);
  }

  archive(now: number): void {
    archive(this.attributes, now);
  }

  recover(now: number): void {
    recover(this.attributes, now);
  }

  /** Notes a change: Last Change Date, and the state that dates have brought about. */
  touch(now: number): void {
    recordChange(this.attributes, now);
  }

  /** An object of its own with the same content, as changed as this one. */
  clone(): ManagedObject {
    return new ManagedObject(this, this.attributes.clone(), {
      sealed: this.#sealed,
      opened: this.#value,
      changed: this.#valueChanged,
    });
  }

  /** The row to write: the next version, a value sealed anew only where it has changed. Throws VaultUnavailableError. */
  toStored(vault: Vault, options: { readonly uniqueNames: boolean }): StoredObject {
    return {
      id: this.id,
      group: this.group,
      objectType: this.type,
      version: this.version + 1,
      attributes: encodeAttributes(this.attributes.list()),
      sealed: this.#seal(vault),
      index: indexEntries(this.attributes.list()),
      uniqueKeys: options.uniqueNames ? uniqueNameKeys(this.attributes) : [],
    };
  }

  #seal(vault: Vault): SealedKey | null {
    if (!this.#valueChanged) return this.#sealed?.bytes ?? null;
    if (this.#value === undefined) return null;
    const plain = encodeManagedObject(this.#value);
    const sealed = vault.seal({ id: this.id, objectType: this.type }, plain);
    plain.fill(0);
    return sealed;
  }
}
