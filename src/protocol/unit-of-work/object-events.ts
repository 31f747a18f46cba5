import { type Attribute, type AttributeChanges, attributeKey } from '../../../codec/attribute.ts';
import type { ObjectTypeName } from '../../../codec/structures/managed-objects.ts';
import type { Protection } from '../../common/protection.ts';
import { ManagedObject } from '../../object/managed-object.ts';
import { shownAttributes } from '../../object/shown-attributes.ts';
import { isSameValue } from '../../object/values.ts';
import type { LoadedObject } from '../../store/store.ts';
import type { Vault } from '../../vault/vault.ts';

/** A row before a commit, if there was one, and after it. */
export interface RowChange {
  readonly before: LoadedObject | undefined;
  readonly after: LoadedObject;
}

/**
 * The change of one object, without the object's value: a listener that may have the value reads it anew, one
 * that may not hides what is left of it (`hideGuessable`).
 */
export interface ObjectEvent {
  readonly id: string;
  readonly type: ObjectTypeName;
  /** `value`: a new object, or one whose value was replaced. */
  readonly about: 'value' | 'attributes';
  /** Identifier of the object that this one replaces. */
  readonly replaces: string | undefined;
  readonly changes: AttributeChanges;
}

type Listener = (event: ObjectEvent) => void;

/**
 * Notifies listeners of the changes that commits make. Without listeners a commit costs one look into a map.
 */
export class ObjectEvents {
  readonly #vault: Vault;
  readonly #failed: (error: unknown) => void;
  readonly #protection: () => Protection;
  /** By group. */
  readonly #listeners = new Map<string, Set<Listener>>();

  /** `failed` is notified of bugs, because a failing listener must not end the daemon. */
  constructor(vault: Vault, failed: (error: unknown) => void, protection: () => Protection) {
    this.#vault = vault;
    this.#failed = failed;
    this.#protection = protection;
  }

  /** Calls `listener` for every later change of an object of the group; the returned function ends that. */
  subscribe(group: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(group) ?? new Set();
    this.#listeners.set(group, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#listeners.get(group) === listeners) this.#listeners.delete(group);
    };
  }

  /**
   * Notifies the listeners of a commit at POSIX second `now`. The rows are compared after the response to the
   * message, so that its client does not wait for that.
   */
  committed(rows: readonly RowChange[], now: number): void {
    for (const row of rows) {
      const { group } = row.after;
      if (this.#listeners.has(group)) setImmediate(() => this.#notify(group, row, now));
    }
  }

  #notify(group: string, row: RowChange, now: number): void {
    const listeners = this.#listeners.get(group);
    if (listeners === undefined) return;
    try {
      const event = eventOf(row, now, this.#vault, this.#protection());
      if (event !== undefined) for (const listener of listeners) listener(event);
    } catch (error) {
      this.#failed(error);
    }
  }
}

/** Returns the event for a change at `now`; undefined when only the server's own bookkeeping has changed. */
function eventOf(
  { before, after }: RowChange,
  now: number,
  vault: Vault,
  protection: Protection,
): ObjectEvent | undefined {
  const object = ManagedObject.fromStored(after, vault);
  const old = before && ManagedObject.fromStored(before, vault);
  const shown = (each: ManagedObject) => shownAttributes(each, now, { protection, fetchable: { all: [] } });
  const changes = difference(old === undefined ? [] : shown(old), shown(object));
  const isNew = before === undefined;
  // A box of the value alone that is kept is not decrypted; others differ also by the provenance. One in
  // direct mode that is not kept counts as another value: only the token could tell.
  const isKept = after.value !== null && after.value === before?.value;
  const hasValue = object.isValueDirect || object.value !== undefined;
  const hasNewValue = !isKept && hasValue && !(old !== undefined && object.hasSameValue(old));
  const about = hasNewValue ? 'value' : 'attributes';
  if (!isNew && about === 'attributes' && changes === undefined) return undefined;
  const replaces = isNew ? object.provenance.replaces : about === 'value' ? after.id : undefined;
  return {
    id: after.id,
    type: object.type,
    about,
    replaces,
    changes: changes ?? { changed: [], deleted: [] },
  };
}

/**
 * Returns every instance of the attributes that differ, and the names of the instances that are gone. Last
 * Change Date is always among them, as Notify wants it. Undefined when nothing differs but the attributes
 * that Get and usage change.
 */
function difference(old: readonly Attribute[], now: readonly Attribute[]): AttributeChanges | undefined {
  const before = Map.groupBy(old, attributeKey);
  const after = Map.groupBy(now, attributeKey);
  const keys = [...new Set([...after.keys(), ...before.keys()])].filter(
    (key) => !sameInstances(before.get(key) ?? [], after.get(key) ?? []),
  );
  if (keys.every((key) => isBookkeeping(key, before.get(key), after.get(key)))) return undefined;
  const names = keys.includes('LastChangeDate') ? keys : [...keys, 'LastChangeDate'];
  return {
    changed: names.flatMap((key) => after.get(key) ?? []),
    deleted: keys.flatMap((key) => {
      const left = new Set(after.get(key)?.map(indexOf));
      const gone = (before.get(key) ?? []).filter((each) => !left.has(indexOf(each)));
      return gone.map(({ value: _, ...name }) => name);
    }),
  };
}

const indexOf = ({ index = 0 }: Attribute): number => index;

function sameInstances(a: readonly Attribute[], b: readonly Attribute[]): boolean {
  return (
    a.length === b.length &&
    a.every((each, at) => {
      const other = b[at] as Attribute;
      return indexOf(each) === indexOf(other) && isSameValue(each, other);
    })
  );
}

function isBookkeeping(
  key: string,
  before: readonly Attribute[] = [],
  after: readonly Attribute[] = [],
): boolean {
  if (key === 'UsageLimits') return sameInstances(before.map(withoutCount), after.map(withoutCount));
  return key === 'LastChangeDate' || key === 'Fresh';
}

/** The remaining count of Usage Limits decreases with every use. */
function withoutCount(attribute: Attribute): Attribute {
  return {
    ...attribute,
    value: { ...(attribute.value as object), UsageLimitsCount: undefined },
  } as Attribute;
}
