import { hash } from 'node:crypto';
import type { SealedKey } from '../../vault/vault.ts';
import type { SeenLane } from './lane-content.ts';

/** The row of one writing process, as the database has it. */
export interface LaneRow extends SeenLane {
  /** Of the start of the process that has written it. */
  readonly era: number;
  readonly box: SealedKey;
}

/** A state of a lane that must not be undone. */
export interface KnownLane extends SeenLane {
  /** SHA-256 of its box in hexadecimal digits; undefined when only its number is known. */
  readonly box: string | undefined;
}

/** Returns the SHA-256 of a box, 64 hexadecimal digits. */
export function hashBox(box: SealedKey): string {
  return hash('sha256', box, 'hex');
}

/**
 * The newest known state of each lane. A committed state is durable before another process can read it, on
 * both engines, so a lane that shows an older one was put back.
 */
export class LaneHistory {
  readonly #lanes = new Map<string, KnownLane>();

  /** The newest known states, those that changed last at the end. */
  get lanes(): readonly KnownLane[] {
    return [...this.#lanes.values()];
  }

  /** Remembers states, unless newer ones are known. */
  learn(lanes: Iterable<KnownLane>): void {
    for (const lane of lanes) {
      const known = this.#lanes.get(lane.name);
      const isNews =
        known === undefined ||
        known.seq < lane.seq ||
        (known.seq === lane.seq && known.box === undefined && lane.box !== undefined);
      if (!isNews) continue;
      this.#lanes.delete(lane.name);
      this.#lanes.set(lane.name, { name: lane.name, seq: lane.seq, box: lane.box });
    }
  }

  /** Whether a state of the lane is known. */
  has(name: string): boolean {
    return this.#lanes.has(name);
  }

  /** Forgets a lane that was folded. */
  forget(name: string): void {
    this.#lanes.delete(name);
  }

  /** Returns the names of the known lanes that are not among these. */
  findMissing(lanes: readonly { readonly name: string }[]): readonly string[] {
    const present = new Set(lanes.map(({ name }) => name));
    return [...this.#lanes.keys()].filter((name) => !present.has(name));
  }

  /** Returns a history that does not change with this one. */
  copy(): LaneHistory {
    const copy = new LaneHistory();
    copy.learn(this.lanes);
    return copy;
  }

  /**
   * Returns why rows that were read cannot follow the known states, a line for the operator.
   * @param lastOf returns the last state of a lane that was folded
   */
  findRollback(
    rows: readonly KnownLane[],
    lastOf: (name: string) => KnownLane | undefined = () => undefined,
  ): string | undefined {
    const present = new Map(rows.map((row) => [row.name, row]));
    for (const known of this.#lanes.values()) {
      const problem = compare(known, present.get(known.name) ?? lastOf(known.name));
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
}

function compare({ name, seq, box }: KnownLane, row: KnownLane | undefined): string | undefined {
  if (row === undefined) return `the row ${name} of table lane is missing; commit ${seq} was seen in it`;
  if (row.seq < seq) return `the row ${name} of table lane is at commit ${row.seq}; it was at commit ${seq}`;
  if (row.seq === seq && box !== undefined && row.box !== undefined && row.box !== box)
    return `the row ${name} of table lane was replaced by another one of commit ${seq}`;
  return undefined;
}
