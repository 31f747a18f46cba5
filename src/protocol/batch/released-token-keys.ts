import { type TokenKeyReference, TokenUnavailableError } from '../../crypto/token-device.ts';
import type { TokenKeys } from '../../crypto/token-keys.ts';
import type { TokenKeyStorage } from '../../operations/context.ts';
import {
  decodeReleased,
  encodeReleased,
  type ReleasedTokenKey,
  tokenKeyKind,
} from '../../operations/made-token-keys.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';
import { isTransient } from './failure.ts';

/** What the operator has set about keys in a token. */
export interface TokenKeyPolicy {
  /** Undefined: there is no token. */
  readonly keys: TokenKeys | undefined;
  /** Whether every new key of the group is made in a token; where there is none, none is made. */
  isRequiredFor(group: string): boolean;
}

/** A key that this process removes. */
interface ClaimedKey extends ReleasedTokenKey {
  readonly group: string;
}

/**
 * Until then the object of a key that is being made has to be committed. A token may take minutes for a pair,
 * and a message may be executed again after conflicts.
 */
const makingSeconds = 900;
/** Records of one read, and reads of one turn; the next turn goes on where it ended. */
const pageRecords = 1_000;
const maxPages = 10;
/** A key that cannot be removed is left alone for so long. */
const keptSeconds = 600;
const maxKept = 10_000;

/**
 * Keys of a token that belong to no object, by their records (`operations/made-token-keys.ts`): writes the
 * record of a key before it is made, and removes keys whose time has come. Several nodes may do so at once,
 * and a crash at any moment leaves the record, so that the next turn goes on.
 */
export class ReleasedTokenKeys {
  readonly #keys: TokenKeys;
  readonly #beginUnit: () => UnitOfWork;
  /** Keys that could not be removed, with the POSIX seconds from which they are tried again. */
  readonly #keptUntil = new Map<string, number>();
  /** The keys that attempts at a message have made. */
  readonly #announced = new WeakMap<object, TokenKeyReference[]>();
  /** The record after which the next read begins. */
  #after = 0;
  #removing: Promise<void> | undefined;

  /** `beginUnit`: begins a unit of work apart from those of messages. */
  constructor(keys: TokenKeys, beginUnit: () => UnitOfWork) {
    this.#keys = keys;
    this.#beginUnit = beginUnit;
  }

  /** Returns the port for requests of a group; `message` stands for the message in all its attempts. */
  storageFor(group: string, message: object): TokenKeyStorage {
    const announced = this.#announced.get(message) ?? [];
    this.#announced.set(message, announced);
    return {
      keys: this.#keys,
      announce: (reference, object) => {
        announced.push(reference);
        return this.#announce(group, reference, object);
      },
      // The record stays when that fails.
      discard: (reference) => void this.#remove(reference.id, Number.POSITIVE_INFINITY).catch(() => {}),
    };
  }

  /**
   * Removes the keys that attempts at the message have made and that no object got: of items that failed or
   * were undone, and of commits that lost a conflict. To be called when no further attempt follows; the
   * records of other keys are gone, so that each costs one read.
   */
  async settle(message: object): Promise<void> {
    const announced = this.#announced.get(message) ?? [];
    this.#announced.delete(message);
    // A record that stays is one of the background.
    for (const { id } of announced) await this.#remove(id, Number.POSITIVE_INFINITY).catch(() => {});
  }

  async #announce(group: string, reference: TokenKeyReference, object: string): Promise<void> {
    const unit = this.#beginUnit();
    const released = { reference, object, removedFrom: unit.now + makingSeconds };
    unit.putRecord(tokenKeyKind, reference.id, group, encodeReleased(released));
    if ((await unit.commit()) !== 'committed') throw new TypeError('a new identifier is taken');
  }

  /** Removes the keys that are due, one after the other; a token that cannot be used ends the turn. */
  removeDue(): Promise<void> {
    this.#removing ??= this.#removeAll().finally(() => {
      this.#removing = undefined;
    });
    return this.#removing;
  }

  async #removeAll(): Promise<void> {
    for (let page = 0; page < maxPages; page++) {
      const unit = this.#beginUnit();
      const { records, next } = await unit.recordPage(tokenKeyKind, this.#after, pageRecords);
      const released = records.map(({ content }) => decodeReleased(content));
      await this.#removePage(
        released.filter(({ removedFrom }) => removedFrom <= unit.now),
        unit.now,
      );
      this.#after = next ?? 0;
      if (next === null) return;
    }
  }

  /** Removes keys of this token. What is wrong with one key does not keep the others. */
  async #removePage(released: readonly ReleasedTokenKey[], now: number): Promise<void> {
    if (released.length === 0) return;
    const serial = await this.#keys.serial();
    for (const { reference } of released) {
      const { id, token } = reference;
      if (token !== serial || (this.#keptUntil.get(id) ?? 0) > now) continue;
      try {
        await this.#remove(id, now);
      } catch (error) {
        if (error instanceof TokenUnavailableError || isTransient(error)) throw error;
        if (this.#keptUntil.size >= maxKept) this.#keptUntil.clear();
        this.#keptUntil.set(id, now + keptSeconds);
      }
    }
  }

  /** Removes a key that is due at `now` (POSIX seconds) or before. */
  async #remove(id: string, now: number): Promise<void> {
    const released = await this.#claim(id, now);
    if (released === undefined) return;
    // Somebody may have put the record back whose object has the key since.
    if (!(await this.#isInUse(released))) await this.#keys.destroy(released.reference);
    const unit = this.#beginUnit();
    if ((await unit.record(tokenKeyKind, id)) === undefined) return;
    unit.removeRecord(tokenKeyKind, id);
    await unit.commit();
  }

  /**
   * Whether the object has the key.
   * @throws {SealBrokenError} when its row was altered: the key stays
   */
  async #isInUse({ reference, object, group }: ClaimedKey): Promise<boolean> {
    const unit = this.#beginUnit();
    unit.actFor(group);
    return (await unit.load(object))?.provenance.token?.id === reference.id;
  }

  /**
   * Changes the record, so that a message that was about to commit an object of the key conflicts; undefined
   * when there is none, when it is not due, or when another process has changed it.
   */
  async #claim(id: string, now: number): Promise<ClaimedKey | undefined> {
    const unit = this.#beginUnit();
    const record = await unit.record(tokenKeyKind, id);
    if (record === undefined) return undefined;
    const released = decodeReleased(record.content);
    if (released.removedFrom > now) return undefined;
    const { group } = record;
    if (released.isEnding === true) return { ...released, group };
    const ending: ReleasedTokenKey = { ...released, removedFrom: 0, isEnding: true };
    unit.putRecord(tokenKeyKind, id, group, encodeReleased(ending));
    return (await unit.commit()) === 'committed' ? { ...ending, group } : undefined;
  }
}
