import type { Attribute } from '../../codec/attribute.ts';
import { decodeAttributes, encodeAttributes } from '../../codec/stored-attributes.ts';
import type { RevocationReason } from '../../codec/structures/attribute-values.ts';
import {
  decodeManagedObject,
  encodeManagedObject,
  type ManagedObjectValue,
  type ObjectTypeName,
} from '../../codec/structures/managed-objects.ts';
import { concatBytes } from '../common/bytes.ts';
import type { LoadedObject, StoredObject } from '../store/store.ts';
import type { SealedKey, Vault } from '../vault/vault.ts';
import { AttributeSet } from './attribute-set.ts';
import { isIdentifier } from './identifiers.ts';
import { indexEntries } from './index-entries.ts';
import { decodeMaker, encodeMaker, type Maker, splitMaker } from './maker.ts';
import { uniqueNameKeys } from './names.ts';
import {
  addProvenance,
  isShownMore,
  type Provenance,
  type Shown,
  splitProvenance,
  unknownProvenance,
} from './provenance.ts';
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
import { isSameValue } from './values.ts';

/** Identity and value of a new object. */
export interface NewObject {
  readonly id: string;
  readonly type: ObjectTypeName;
  readonly group: string;
  readonly value?: ManagedObjectValue | undefined;
  readonly maker?: Maker | undefined;
}

/** The sealed content of an object and the function that opens it. */
interface SealedContent {
  readonly bytes: SealedKey;
  open(): Uint8Array;
}

/** What is sealed of an object. */
interface Content {
  readonly value: ManagedObjectValue;
  readonly provenance: Provenance;
}

/**
 * A managed object: identity, attributes, and a value with its provenance, which are decrypted at the first
 * access. They are never changed in place, only replaced, so clones share them.
 */
export class ManagedObject {
  readonly id: string;
  readonly type: ObjectTypeName;
  readonly group: string;
  /** Version in the store; 0 for an object that is not stored yet. */
  readonly version: number;
  readonly attributes: AttributeSet;
  #sealed: SealedContent | undefined;
  #content: Content | undefined;
  #contentChanged: boolean;
  /** As it is stored. */
  readonly #maker: Uint8Array | undefined;

  private constructor(
    identity: Pick<ManagedObject, 'id' | 'type' | 'group' | 'version'>,
    attributes: AttributeSet,
    content: { sealed?: SealedContent | undefined; opened?: Content | undefined; changed: boolean },
    maker: Uint8Array | undefined,
  ) {
    this.id = identity.id;
    this.type = identity.type;
    this.group = identity.group;
    this.version = identity.version;
    this.attributes = attributes;
    this.#sealed = content.sealed;
    this.#content = content.opened;
    this.#contentChanged = content.changed;
    this.#maker = maker;
  }

  /** Creates an object in memory, without attributes and of unknown provenance. */
  static create({ id, type, group, value, maker }: NewObject): ManagedObject {
    const opened = value && { value, provenance: unknownProvenance };
    return new ManagedObject(
      { id, type, group, version: 0 },
      new AttributeSet(),
      { opened, changed: true },
      maker && encodeMaker(maker),
    );
  }

  /**
   * Creates the object of a row of the store. Decrypts nothing yet.
   *
   * @throws {WireError} when the attributes cannot be decoded.
   */
  static fromStored(stored: LoadedObject, vault: Vault): ManagedObject {
    const { id, group, objectType, version, sealed: bytes } = stored;
    const context = { kind: 'value', id, group, objectType } as const;
    const { attributes, maker } = splitMaker(stored.attributes);
    const sealed = bytes === null ? undefined : { bytes, open: () => vault.open(context, bytes) };
    return new ManagedObject(
      { id, type: objectType as ObjectTypeName, group, version },
      new AttributeSet(decodeAttributes(attributes)),
      { sealed, changed: false },
      maker,
    );
  }

  /** The client that made the object, or that which it replaces; undefined when it is not known. */
  get maker(): Maker | undefined {
    return this.#maker && decodeMaker(this.#maker);
  }

  /**
   * The structure of the object; undefined when it is destroyed or has no value. The first call decrypts.
   *
   * @throws {VaultUnavailableError} when the vault is sealed.
   * @throws {SealBrokenError} when the stored value cannot be authenticated.
   */
  get value(): ManagedObjectValue | undefined {
    return this.#open()?.value;
  }

  /**
   * The history of the value as the server saw it; unknown for an object without a value. Decrypts as `value`
   * does.
   *
   * @throws as `value`
   */
  get provenance(): Provenance {
    return this.#open()?.provenance ?? unknownProvenance;
  }

  #open(): Content | undefined {
    if (this.#content === undefined && this.#sealed !== undefined) {
      const { provenance, value } = splitProvenance(this.#sealed.open());
      this.#content = { provenance, value: decodeManagedObject(value) };
    }
    return this.#content;
  }

  /** Replaces the value and keeps its provenance; undefined removes both. */
  setValue(value: ManagedObjectValue | undefined): void {
    this.#setContent(value && { value, provenance: this.provenance });
  }

  /** Replaces members of the provenance. Without a value there is none, and nothing happens. */
  changeProvenance(change: Partial<Provenance>): void {
    const content = this.#open();
    if (content !== undefined)
      this.#setContent({ ...content, provenance: { ...content.provenance, ...change } });
  }

  /** Records that the value leaves the server; changes nothing when it has left as openly before. */
  recordShown(shown: Shown): void {
    if (isShownMore(this.provenance.shown, shown)) this.changeProvenance({ shown });
  }

  #setContent(content: Content | undefined): void {
    this.#content = content;
    this.#sealed = undefined;
    this.#contentChanged = true;
  }

  /** Whether the values are the same, whatever their provenance. Decrypts both. */
  hasSameValue(other: ManagedObject): boolean {
    const [own, others] = [this, other].map(({ value }) => value && encodeManagedObject(value));
    return isSameValue({ value: own }, { value: others });
  }

  /** Whether the object differs from its row in the store. */
  get changed(): boolean {
    return this.#contentChanged || this.attributes.changed;
  }

  /** Whether the object is archived: it has an Archive Date. */
  get archived(): boolean {
    return this.attributes.has('ArchiveDate');
  }

  /** Whether the object is destroyed: it has a Destroy Date. */
  get destroyed(): boolean {
    return this.attributes.has('DestroyDate');
  }

  /** State at `now` (POSIX seconds); see `stateAt`. */
  state(now: number): StateName {
    return stateAt(this.attributes, now);
  }

  /** All attributes as a response at `now` shows them: with the State that the dates have brought about. */
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

  /** See `activate` in state.ts. */
  activate(now: number): void {
    activate(this.attributes, now);
  }

  /** See `revoke` in state.ts. */
  revoke(reason: RevocationReason, occurrence: number | undefined, now: number): void {
    revoke(this.attributes, reason, occurrence, now);
  }

  /** Destroys the object and removes its value; see `destroy` in state.ts. */
  destroy(now: number): void {
    destroy(this.attributes, now);
    this.setValue(undefined);
  }

  /** See `archive` in state.ts. */
  archive(now: number): void {
    archive(this.attributes, now);
  }

  /** See `recover` in state.ts. */
  recover(now: number): void {
    recover(this.attributes, now);
  }

  /** Records a change: Last Change Date, and the state that dates have brought about. */
  touch(now: number): void {
    recordChange(this.attributes, now);
  }

  /** Returns a separate object with the same content and the same `changed`. */
  clone(): ManagedObject {
    const content = { sealed: this.#sealed, opened: this.#content, changed: this.#contentChanged };
    return new ManagedObject(this, this.attributes.clone(), content, this.#maker);
  }

  /**
   * Returns the row to write, with the next version. Encrypts the value only when it or its provenance has
   * changed, or when an older kmipd has sealed it.
   *
   * @throws {VaultUnavailableError} when the vault is sealed.
   */
  toStored(vault: Vault, options: { readonly uniqueNames: boolean }): StoredObject {
    this.#keepNextLink();
    const attributes = encodeAttributes(this.attributes.list());
    return {
      id: this.id,
      group: this.group,
      objectType: this.type,
      version: this.version + 1,
      attributes: this.#maker === undefined ? attributes : concatBytes([attributes, this.#maker]),
      sealed: this.#seal(vault),
      index: indexEntries(this.attributes.list()),
      uniqueKeys: options.uniqueNames ? uniqueNameKeys(this.attributes) : [],
    };
  }

  /**
   * Keeps the first Next Link that is stored with a key in its provenance, from whatever operation it comes:
   * clients may change the attribute, and with it must not exchange one half of an AES-XTS key in use.
   */
  #keepNextLink(): void {
    if (this.type !== 'SymmetricKey') return;
    const link = this.attributes.values('Link').find(({ LinkType }) => LinkType === 'NextLink');
    const next = link?.LinkedObjectIdentifier;
    if (next === undefined || !isIdentifier(next)) return;
    if (this.provenance.next === undefined) this.changeProvenance({ next });
  }

  #seal(vault: Vault): SealedKey | null {
    if (this.#sealed !== undefined && vault.isCurrent(this.#sealed.bytes)) return this.#sealed.bytes;
    const content = this.#open();
    if (content === undefined) return null;
    const value = encodeManagedObject(content.value);
    const plain = addProvenance(content.provenance, value);
    const context = { kind: 'value', id: this.id, group: this.group, objectType: this.type } as const;
    const sealed = vault.seal(context, plain);
    value.fill(0);
    plain.fill(0);
    return sealed;
  }
}
