import {
  decodeManagedObject,
  encodeManagedObject,
  type ManagedObjectValue,
} from '../../codec/structures/managed-objects.ts';
import { joinBytes, splitBytes } from '../common/bytes.ts';
import type { LoadedObject } from '../store/store.ts';
import {
  boxBinding,
  isDirectValue,
  type ObjectBoxContext,
  type SealedKey,
  type ValueContext,
  type Vault,
} from '../vault/vault.ts';
import { addProvenance, type Provenance, splitProvenance } from './provenance.ts';

/**
 * The boxes of an object. One has the attributes with the maker, and the content: value and provenance. A
 * large content has a box of its own, so that a change of the attributes does not seal it again; the first
 * box is bound to it. In direct mode every secret value has a box of its own, which a token helps to open,
 * and the provenance stays with the attributes, so that nothing but the value needs the token.
 */

/** Up to so many bytes the content is in the box of the attributes. */
const maxInlineBytes = 4_096;

/** Object Types of which the value is no secret: it stays under the keyring in direct mode too. */
export const typesOfPublicValue: ReadonlySet<string> = new Set([
  'Certificate',
  'CertificateRequest',
  'PublicKey',
  'Template',
]);

/** What a row states of its object beside the boxes. */
type ObjectRow = Pick<LoadedObject, 'id' | 'group' | 'objectType' | 'version'>;

interface OpenedContent {
  readonly value: ManagedObjectValue;
  readonly provenance: Provenance;
}

/**
 * The value of an object with its provenance, decoded at the first access, and decrypted then if it has a box
 * of its own. Changes only in that a value which needs the token is opened once, so clones of an object share
 * it.
 */
export class ObjectContent {
  /** As stored in a box of its own; undefined where it is in the box of the attributes, or new. */
  readonly box: SealedKey | undefined;
  /** Whether it is to be sealed as the vault does at the commit: the value is new, or sealed anew. */
  readonly isNew: boolean;
  readonly #read: (() => Uint8Array) | undefined;
  readonly #provenance: Provenance | undefined;
  readonly #direct: DirectValue | undefined;
  #opened: OpenedContent | undefined;

  private constructor(content: {
    box?: SealedKey;
    isNew?: boolean;
    read?: () => Uint8Array;
    direct?: DirectValue;
    provenance?: Provenance;
    opened?: OpenedContent | undefined;
  }) {
    this.box = content.box;
    this.isNew = content.isNew ?? false;
    this.#read = content.read;
    this.#direct = content.direct;
    this.#provenance = content.provenance;
    this.#opened = content.opened;
  }

  /** A new content, which has not been stored. */
  static of(value: ManagedObjectValue, provenance: Provenance): ObjectContent {
    return new ObjectContent({ isNew: true, opened: { value, provenance } });
  }

  /** The content in the box of the attributes. */
  static inline(bytes: Uint8Array): ObjectContent {
    return new ObjectContent({ read: () => bytes });
  }

  /** The content in a box of its own. */
  static apart(box: SealedKey, open: () => Uint8Array): ObjectContent {
    return new ObjectContent({ box, read: open });
  }

  /** A value in a box that needs the token, and its provenance, which does not. */
  static direct(box: SealedKey, provenance: Provenance, value: DirectValue, isNew = false): ObjectContent {
    return new ObjectContent({ box, provenance, direct: value, isNew });
  }

  /** Whether the value has a box that needs the token. */
  get isDirect(): boolean {
    return this.#direct !== undefined;
  }

  /**
   * @throws {VaultUnavailableError} and {SealBrokenError} for a box of its own
   * @throws {TypeError} for a box that needs the token before `openValue` has resolved
   */
  get value(): ManagedObjectValue {
    const direct = this.#direct;
    if (direct === undefined) return this.#open().value;
    if (direct.value === undefined) throw new TypeError('a value in direct mode was not opened');
    return direct.value;
  }

  /** @throws as `value`, but for a box that needs the token */
  get provenance(): Provenance {
    return this.#provenance ?? this.#open().provenance;
  }

  /**
   * Opens a value that needs the token, once for all clones; there is nothing to do for others.
   * @throws as `DirectValues.open`
   */
  async openValue(): Promise<void> {
    await this.#direct?.open();
  }

  /** Returns the content with another provenance; the value is stored as before. */
  withProvenance(provenance: Provenance): ObjectContent {
    const { box } = this;
    if (box !== undefined && this.#direct !== undefined)
      return ObjectContent.direct(box, provenance, this.#direct, this.isNew);
    const { value } = this;
    return new ObjectContent({ isNew: this.isNew, opened: { value, provenance } });
  }

  /** Returns the bytes for a box, in direct mode those without the value; the caller wipes them. */
  encode(): Uint8Array {
    if (this.#read !== undefined) return this.#read().slice();
    if (this.#direct !== undefined) return addProvenance(this.provenance, new Uint8Array());
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

/** A value that the token helps to open. */
export class DirectValue {
  #value: ManagedObjectValue | undefined;
  #opening: Promise<void> | undefined;
  readonly #read: () => Promise<Uint8Array>;

  /** `value`: it is known, because it was sealed here. */
  constructor(read: () => Promise<Uint8Array>, value?: ManagedObjectValue) {
    this.#read = read;
    this.#value = value;
  }

  /** Undefined before `open` has resolved. */
  get value(): ManagedObjectValue | undefined {
    return this.#value;
  }

  /** Asks the token once, however many wait; again after a failure. */
  async open(): Promise<void> {
    if (this.#value !== undefined) return;
    this.#opening ??= this.#decode().finally(() => {
      this.#opening = undefined;
    });
    await this.#opening;
  }

  async #decode(): Promise<void> {
    this.#value = decodeManagedObject(await this.#read());
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
  const [attributes, inline] = splitBytes(vault.open(contextOf(row, row.value, vault), row.box));
  return { attributes, content: contentOf(row, inline, vault) };
}

function contentOf(row: LoadedObject, inline: Uint8Array, vault: Vault): ObjectContent | undefined {
  const { value: box } = row;
  if (box !== null && isDirectValue(box)) {
    const read = () => vault.direct.open(valueContextOf(row), box);
    return ObjectContent.direct(box, splitProvenance(inline).provenance, new DirectValue(read));
  }
  if (box !== null) return ObjectContent.apart(box, () => vault.open(valueContextOf(row), box));
  return inline.length === 0 ? undefined : ObjectContent.inline(inline);
}

/**
 * Whether a content that is not stored yet has another box than the vault would seal now: none in direct
 * mode, or one whose epoch, root or mode has changed since.
 */
export function isValueDue(
  objectType: string,
  { isNew, box }: ObjectContent,
  { direct }: Pick<Vault, 'direct'>,
): boolean {
  if (!isNew) return false;
  if (direct.mode === 'envelope' || typesOfPublicValue.has(objectType)) return box !== undefined;
  return box === undefined || !direct.isCurrent(box);
}

/**
 * Seals the value of a content that `isValueDue`, in direct mode with the help of the token; returns what
 * stands for it from then on.
 * @throws as `DirectValues.seal`
 */
export async function sealDirectValue(
  { id, group, type }: { readonly id: string; readonly group: string; readonly type: string },
  { provenance, value }: ObjectContent,
  vault: Vault,
): Promise<ObjectContent> {
  // It is sealed with the attributes, or in a box beside them.
  if (vault.direct.mode === 'envelope') return ObjectContent.of(value, provenance);
  const context = valueContextOf({ id, group, objectType: type });
  const encoded = encodeManagedObject(value);
  try {
    const box = await vault.direct.seal(context, encoded);
    const read = () => vault.direct.open(context, box);
    return ObjectContent.direct(box, provenance, new DirectValue(read, value), true);
  } finally {
    encoded.fill(0);
  }
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
  const box = vault.seal(contextOf(row, value, vault), plain);
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
  if (content.box !== undefined)
    return { inline: content.isDirect ? content.encode() : none, value: content.box };
  const encoded = content.encode();
  if (encoded.length <= maxInlineBytes) return { inline: encoded, value: null };
  const value = vault.seal(valueContextOf(row), encoded);
  encoded.fill(0);
  return { inline: none, value };
}

function bindingOf(value: SealedKey, { direct }: Vault): Uint8Array {
  return isDirectValue(value) ? direct.bindingOf(value) : boxBinding(value);
}

function contextOf(
  { id, group, objectType, version }: ObjectRow,
  value: SealedKey | null,
  vault: Vault,
): ObjectBoxContext {
  const valueBinding = value === null ? null : bindingOf(value, vault);
  return { kind: 'object', id, group, objectType, version, valueBinding };
}

function valueContextOf({ id, group, objectType }: Omit<ObjectRow, 'version'>): ValueContext {
  return { kind: 'value', id, group, objectType };
}
