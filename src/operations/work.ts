import type { EnrolmentChange } from '../identity/enrolment.ts';
import type { AttributeFilter } from '../object/attribute-filter.ts';
import type { ManagedObject } from '../object/managed-object.ts';
import type { FoundObjects, ObjectQuery } from '../store/store.ts';

/** Ports of the context by which a handler reads and writes. The protocol layer implements them. */

/** Objects and records of a group, for code that only reads them. */
export interface GroupView extends Pick<Work, 'load' | 'find'> {
  readonly records: Pick<Records, 'load'>;
}

/** Port: the unit of work as one batch item sees it. */
export interface Work {
  /** Whether the Rights of a ticket limit the item to objects or Object Groups. */
  readonly isLimited: boolean;
  /** What binds a client: the whole group, whatever Rights reach. It must learn no more than a refusal. */
  readonly wholeGroup: GroupView;
  /**
   * Returns an object of the group with the changes of this message; undefined when none is visible.
   * `isVisible`: decides by the attributes, before the value is opened; all are visible when left out.
   */
  load(id: string, isVisible?: (object: ManagedObject) => boolean): Promise<ManagedObject | undefined>;
  /**
   * Whether an object of any group has that identifier. Identifiers are unique on the server, so one of the
   * client's choice may be that of an object that the client cannot see: it learns that, and nothing else.
   */
  isTaken(id: string): Promise<boolean>;
  /**
   * Adds a new object under a free identifier. Changes to loaded objects are detected without a call.
   * @throws {QuotaExhaustedError} when the group has as many objects as its quota allows
   */
  insert(object: ManagedObject): Promise<void>;
  /** Returns matching identifiers, newest first, and their number; changes of this message are included. */
  find(query: FindQuery): Promise<FoundItems>;
  /**
   * Applies a change to an object of this message that stays although the item fails after its handler has
   * answered, or the batch is undone: uses that were counted, a value that was shown. The change is applied
   * again to the object as it stands without the item then, so it must suit any state of the object and not
   * throw. It goes with an object that does not exist without the item.
   */
  applyLasting(object: ManagedObject, change: (object: ManagedObject) => void): void;
  /** Data that the server stores beside objects; part of the same commit. */
  readonly records: Records;
  /** Replaces the client's certificate in the directory; part of the same commit, once in a message. */
  reenrol(change: EnrolmentChange): void;
  /** Runs `effect` once after the message's commit, e.g. to write a client's Log message into the log. */
  afterCommit(effect: () => void): void;
}

/** A search of the principal's objects; `limit` bounds the identifiers returned, not the total. */
export interface FindQuery extends Pick<ObjectQuery, 'offset' | 'limit' | 'countedItems'> {
  readonly filter: AttributeFilter;
}

/** One page of identifiers, and the number of all matches as far as they were counted. */
export type FoundItems = Pick<FoundObjects, 'ids' | 'total'>;

/**
 * Port: records of the principal's group, stored encrypted. Each kind belongs to the one file that encodes
 * its content.
 */
export interface Records {
  /**
   * Returns a copy of the content; undefined when there is none, it has expired or it belongs to another
   * group.
   */
  load(kind: string, id: string): Promise<Uint8Array | undefined>;
  /** Oldest first, at most `limit`. */
  list(
    kind: string,
    limit: number,
  ): Promise<readonly { readonly id: string; readonly content: Uint8Array }[]>;
  /**
   * Inserts a record, or replaces one that this message has loaded; `expires` in POSIX seconds, never when
   * left out.
   */
  put(kind: string, id: string, content: Uint8Array, expires?: number): void;
  /** Removes a record that this message has loaded. */
  remove(kind: string, id: string): void;
  /**
   * Puts what `change` makes of the content that this message has loaded (undefined when there is none), as
   * lasting as `Work.applyLasting`.
   */
  putLasting(
    kind: string,
    id: string,
    change: (content: Uint8Array | undefined) => Uint8Array,
    expires?: number,
  ): void;
}
