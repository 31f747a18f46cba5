import { type Attribute, type AttributeChanges, attributeKey } from '../../../codec/attribute.ts';
import { linkedId } from '../../object/links.ts';
import { ManagedObject } from '../../object/managed-object.ts';
import { isSameValue } from '../../object/values.ts';
import type { LoadedObject } from '../../store/store.ts';
import type { Vault } from '../../vault/vault.ts';

/** A row as a commit found it, if it was there, and as it left it. */
export interface RowChange {
  readonly before: LoadedObject | undefined;
  readonly after: LoadedObject;
}

/** What has become of one object, without its value: that is read anew by who wants it and may have it. */
export interface ObjectEvent {
  readonly id: string;
  /** `value`: a new object, or one whose value was replaced. */
  readonly about: 'value' | 'attributes';
  /** Identifier of the object whose place this one's value takes. */
  readonly replaces: string | undefined;
  readonly changes: AttributeChanges;
}

type Listener = (event: ObjectEvent) => void;

/** Tells who listens what commits have changed. Costs a commit one look into a map when nobody does. */
export class ObjectEvents {
  readonly #vault: Vault;
  readonly #failed: (error: unknown) => void;
  /** By group. */
  readonly #listeners = new Map<string, Set<Listener>>();

  /** `failed` hears of bugs: what is told to others must not end the daemon. */
  constructor(vault: Vault, failed: (error: unknown) => void) {
    this.#vault = vault;
    this.#failed = failed;
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
   * Takes note of a commit. The comparison is done after the answer of the message, whose client need not
   * wait for it.
   */
  committed(rows: readonly RowChange[], now: number): void {
    for (const row of rows) {
      const { group } = row.after;
      if (this.#listeners.has(group)) setImmediate(() => this.#tell(group, row, now));
    }
  }

  #tell(group: string, row: RowChange, now: number): void {
    const listeners = this.#listeners.get(group);
    if (listeners === undefined) return;
    try {
      const event = eventOf(row, now, this.#vault);
      if (event !== undefined) for (const listener of listeners) listener(event);
    } catch (error) {
      this.#failed(error);
    }
  }
}

/** What of a change is worth telling at `now`; undefined when only the server's own bookkeeping has moved. */
function eventOf({ before, after }: RowChange, now: number, vault: Vault): ObjectEvent | undefined {
  const object = ManagedObject.fromStored(after, vault);
  const old = before && ManagedObject.fromStored(before, vault).attributesAt(now);
  const changes = difference(old ?? [], object.attributesAt(now));
  const isNew = before === undefined;
  const about = after.sealed !== null && after.sealed !== before?.sealed ? 'value' : 'attributes';
  if (!isNew && about === 'attributes' && changes === undefined) return undefined;
  const replaces = isNew ? linkedId(object, 'ReplacedObjectLink') : about === 'value' ? after.id : undefined;
  return { id: after.id, about, replaces, changes: changes ?? { changed: [], deleted: [] } };
}

/**
 * Every instance of the attributes that differ, and the instances that are gone. Last Change Date is always
 * among them, as Notify wants it. Undefined when nothing differs but what Get and usage leave behind.
 */
function difference(old: readonly Attribute[], now: readonly Attribute[]): AttributeChanges | undefined {
  const before = Map.groupBy(old, attributeKey);
  const after = Map.groupBy(now, attributeKey);
  const keys = [...new Set([...after.keys(), ...before.keys()])].filter(
    (key) => !sameInstances(before.get(key) ?? [], after.get(key) ?? []),
  );
  if (keys.every((key) => isBookkeeping(key, before.get(key), after.get(key)))) return undefined;
  const told = keys.includes('LastChangeDate') ? keys : [...keys, 'LastChangeDate'];
  return {
    changed: told.flatMap((key) => after.get(key) ?? []),
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

/** What is left of a limit goes down with every use. */
function withoutCount(attribute: Attribute): Attribute {
  return {
    ...attribute,
    value: { ...(attribute.value as object), UsageLimitsCount: undefined },
  } as Attribute;
}
