import type { RevocationReason } from '../../codec/structures/attribute-values.ts';
import {
  encodeManagedObject,
  type ManagedObjectValue,
  type ObjectTypeName,
} from '../../codec/structures/managed-objects.ts';
import type { TokenKeyReference } from '../crypto/token-device.ts';
import type { LoadedObject, StoredObject, StoreUnit } from '../store/store.ts';
import { boxTag, type Vault } from '../vault/vault.ts';
import { AttributeSet, decodeAttributeSet, encodeAttributeSet } from './attribute-set.ts';
import { findNextKey } from './identifiers.ts';
import {
  decodeMaker,
  encodeMaker,
  joinBesideValue,
  type Maker,
  type Retention,
  splitBesideValue,
} from './maker.ts';
import { isValueDue, ObjectContent, openObject, sealDirectValue, sealObject } from './object-boxes.ts';
import { isShownMore, type Provenance, type Shown, unknownProvenance } from './provenance.ts';
import { type IndexOptions, indexChange, indexesOf } from './search-index.ts';
import { activate, destroy, recordChange, revoke, type StateName, stateAt } from './state.ts';
import { isSameValue } from './values.ts';

/** Identity and value of a new object. */
export interface NewObject {
  readonly id: string;
  readonly type: ObjectTypeName;
  readonly group: string;
  readonly value?: ManagedObjectValue | undefined;
  readonly maker?: Maker | undefined;
}

/** Value, provenance and row of an object. */
interface ObjectState {
  readonly content: ObjectContent | undefined;
  readonly isContentChanged: boolean;
  readonly maker: Uint8Array | undefined;
  readonly retention?: Retention | undefined;
  readonly tag?: Uint8Array | undefined;
}

/**
 * A managed object: identity, attributes, and a value with its provenance. These are never changed in place,
 * only replaced, so clones share them.
 */
export class ManagedObject {
  readonly id: string;
  readonly type: ObjectTypeName;
  readonly group: string;
  /** Version in the store; 0 for an object that is not stored yet. */
  readonly version: number;
  readonly attributes: AttributeSet;
  #content: ObjectContent | undefined;
  #isContentChanged: boolean;
  #retention: Retention | undefined;
  /** As it is stored. */
  readonly #maker: Uint8Array | undefined;
  /** Tag of the box in the row; undefined without a row. */
  readonly #tag: Uint8Array | undefined;

  private constructor(
    identity: Pick<ManagedObject, 'id' | 'type' | 'group' | 'version'>,
    attributes: AttributeSet,
    { content, isContentChanged, maker, retention, tag }: ObjectState,
  ) {
    this.id = identity.id;
    this.type = identity.type;
    this.group = identity.group;
    this.version = identity.version;
    this.attributes = attributes;
    [this.#content, this.#isContentChanged] = [content, isContentChanged];
    [this.#maker, this.#tag, this.#retention] = [maker, tag, retention];
  }

  /** Creates an object in memory, without attributes and of unknown provenance. */
  static create({ id, type, group, value, maker }: NewObject): ManagedObject {
    return new ManagedObject({ id, type, group, version: 0 }, new AttributeSet(), {
      content: value && ObjectContent.of(value, unknownProvenance),
      isContentChanged: true,
      maker: maker && encodeMaker(maker),
    });
  }

  /**
   * Opens the row of an object; a large value is not decrypted yet.
   * @throws {VaultUnavailableError} when the vault is sealed.
   * @throws {SealBrokenError} when the row is not as it was written.
   * @throws {WireError} when the attributes cannot be decoded.
   */
  static fromStored(stored: LoadedObject, vault: Vault): ManagedObject {
    const { id, group, objectType, version } = stored;
    const opened = openObject(stored, vault);
    const { attributes, retention, maker } = splitBesideValue(opened.attributes);
    return new ManagedObject(
      { id, type: objectType as ObjectTypeName, group, version },
      decodeAttributeSet(id, attributes),
      { content: opened.content, isContentChanged: false, maker, retention, tag: boxTag(stored.box) },
    );
  }

  /** The client that made the object, or that which it replaces; undefined when it is not known. */
  get maker(): Maker | undefined {
    return this.#maker && decodeMaker(this.#maker);
  }

  /**
   * The structure of the object; undefined when it is destroyed or has no value. The first call decrypts a
   * large one.
   * @throws {VaultUnavailableError} {SealBrokenError} {TypeError} as `ObjectContent.value`
   */
  get value(): ManagedObjectValue | undefined {
    return this.#shownContent?.value;
  }

  /** What is used and shown of the content: nothing of a destroyed object. */
  get #shownContent(): ObjectContent | undefined {
    return this.destroyed ? undefined : this.#content;
  }

  /** Whether the value is in a box that needs the token. */
  get isValueDirect(): boolean {
    return this.#shownContent?.isDirect ?? false;
  }

  /** Opens a value in direct mode, for this object and its clones. @throws as `DirectValues.open` */
  async openValue(): Promise<void> {
    await this.#content?.openValue();
  }

  /** Whether `sealValue` is to be called before `toStored`: see `isValueDue`. */
  isValueDue(vault: Pick<Vault, 'direct'>): boolean {
    return this.#content !== undefined && isValueDue(this.type, this.#content, vault);
  }

  /** Seals a value that `isValueDue`. @throws as `DirectValues.seal` */
  async sealValue(vault: Vault): Promise<void> {
    this.#content &&= await sealDirectValue(this, this.#content, vault);
  }

  /**
   * The history of the value as the server saw it; unknown for an object without a value. Decrypts and throws
   * as `value`, but in direct mode.
   */
  get provenance(): Provenance {
    return this.#shownContent?.provenance ?? unknownProvenance;
  }

  /** Replaces the value and keeps its provenance; undefined removes both. */
  setValue(value: ManagedObjectValue | undefined): void {
    this.#setContent(value && ObjectContent.of(value, this.provenance));
  }

  /** Replaces members of the provenance. Without a value there is none, and nothing happens. */
  changeProvenance(change: Partial<Provenance>): void {
    const content = this.#shownContent;
    if (content !== undefined) this.#setContent(content.withProvenance({ ...content.provenance, ...change }));
  }

  /** Records that the value leaves the server; changes nothing when it has left as openly before. */
  recordShown(shown: Shown): void {
    if (isShownMore(this.provenance.shown, shown)) this.changeProvenance({ shown });
  }

  /** Opens and decodes the value, of a destroyed object one that is kept; not in direct mode. */
  openContent(): void {
    if (this.#content?.isDirect === false) void this.#content.value;
  }

  /** Makes `toStored` seal everything, a large value too. Decrypts as `value` does. */
  sealAnew(): void {
    const content = this.#content;
    this.#setContent(content && ObjectContent.of(content.value, content.provenance));
  }

  #setContent(content: ObjectContent | undefined): void {
    [this.#content, this.#isContentChanged] = [content, true];
    if (content === undefined) this.#retention = undefined;
  }

  /** Whether the values are the same, whatever their provenance. Decrypts both, but none in direct mode. */
  hasSameValue(other: ManagedObject): boolean {
    if (this.isValueDirect || other.isValueDirect) return false;
    const [own, others] = [this, other].map(({ value, provenance }) => ({
      value: [value && encodeManagedObject(value), provenance.token?.id],
    }));
    return isSameValue(own as { value: unknown }, others as { value: unknown });
  }

  /** Whether the object differs from its row in the store. */
  get changed(): boolean {
    return this.#isContentChanged || this.attributes.changed;
  }

  get archived(): boolean {
    return this.attributes.has('ArchiveDate');
  }

  get destroyed(): boolean {
    return this.attributes.has('DestroyDate');
  }

  /** State at `now` (POSIX seconds); see `stateAt`. */
  state(now: number): StateName {
    return stateAt(this.attributes, now);
  }

  /** See `activate` in state.ts. */
  activate(now: number): void {
    activate(this.attributes, now);
  }

  /** See `revoke` in state.ts. */
  revoke(reason: RevocationReason, occurrence: number | undefined, now: number): void {
    revoke(this.attributes, reason, occurrence, now);
  }

  /**
   * Destroys the object; see `destroy` in state.ts. Its value is removed, or with `retention` stays in the
   * row beside what the object was: no operation sees it there.
   */
  destroy(now: number, retention?: Omit<Retention, 'attributes'>): void {
    const kept = retention && { ...retention, attributes: encodeAttributeSet(this.attributes) };
    destroy(this.attributes, now);
    if (kept === undefined) this.#setContent(undefined);
    else this.#retention = kept;
  }

  /** Whether it has a value that `destroy` removes or keeps. */
  get hasContent(): boolean {
    return this.#shownContent !== undefined;
  }

  /** What a destroyed object was that can be restored. */
  get retention(): Retention | undefined {
    return this.#retention;
  }

  /** Makes a destroyed object with its value what it was, with these attributes. */
  restore(attributes: AttributeSet): void {
    this.attributes.replaceAll(attributes);
    this.#retention = undefined;
  }

  /** The key in a token that the value stands for, of a destroyed object that can be restored too. */
  get tokenKey(): TokenKeyReference | undefined {
    return this.#content?.provenance.token;
  }

  /** Records a change: Last Change Date, and the state that dates have brought about. */
  touch(now: number): void {
    recordChange(this.attributes, now);
  }

  /** Returns a separate object with the same content and the same `changed`. */
  clone(): ManagedObject {
    return new ManagedObject(this, this.attributes.clone(), {
      ...{ content: this.#content, isContentChanged: this.#isContentChanged },
      ...{ maker: this.#maker, retention: this.#retention, tag: this.#tag },
    });
  }

  /**
   * Returns the row to write, with the next version. A large value is sealed again only when it or its
   * provenance has changed. `before`: the object as its row has it; undefined for a new one. With it come
   * the unique names of `before`, and what stands for those of the row in other indexes.
   * @throws {VaultUnavailableError} when the vault is sealed, {TypeError} when `before` has another version.
   */
  toStored(
    vault: Vault,
    options: IndexOptions,
    before?: ManagedObject,
  ): StoredObject & Required<Pick<StoreUnit, 'previousNames' | 'aliases'>> {
    if ((before?.version ?? 0) !== this.version)
      throw new TypeError(`object ${this.id} is written as change of another version`);
    this.#keepNextKey();
    const { id, group, type: objectType, attributes } = this;
    const row = { id, group, objectType, version: this.version + 1 };
    const [retention, maker] = [this.#retention, this.#maker];
    const beside = joinBesideValue({ attributes: encodeAttributeSet(attributes), retention, maker });
    const sealed = sealObject(row, { attributes: beside, content: this.#content }, vault);
    return {
      ...row,
      ...sealed,
      ...indexChange(this, before, indexesOf(vault, sealed.box, this.#tag), options),
      replacedTag: this.#tag ?? null,
    };
  }

  /**
   * Keeps the first Next Link that is stored with a key in its provenance, from whatever operation it comes:
   * clients may change the attribute, and with it must not exchange one half of an AES-XTS key in use.
   */
  #keepNextKey(): void {
    const next = this.type === 'SymmetricKey' ? findNextKey(this.attributes) : undefined;
    if (next !== undefined && this.provenance.next === undefined) this.changeProvenance({ next });
  }
}
