import { hashBox, type KnownLane } from './lane-history.ts';
import { LaneWriter } from './lane-writer.ts';
import type { OpenLane } from './open-lane.ts';

/** The lanes of a process, one for each of its writing connections. */
export class LaneWriters {
  /** By what follows the name of the process in the lane's. */
  readonly #writers = new Map<string, LaneWriter>();
  #ofNode: readonly string[] = [''];

  /** By what follows the name of the process in the lane's. */
  get bySuffix(): ReadonlyMap<string, LaneWriter> {
    return this.#writers;
  }

  /** Creates the lane of a connection. */
  add(suffix: string): LaneWriter {
    const writer = new LaneWriter(suffix);
    this.#writers.set(suffix, writer);
    return writer;
  }

  /** Names the lanes after their process; `siblings`: the other processes of its node. */
  rename(process: string, siblings: readonly string[] = []): void {
    for (const [suffix, writer] of this.#writers) writer.name = `${process}${suffix}`;
    this.#ofNode = [process, ...siblings];
  }

  /** Name of the lane of the process. */
  get name(): string {
    return this.#main?.name ?? '';
  }

  /** Whether the process has a lane of that name. */
  has(name: string): boolean {
    return this.#writers.values().some((writer) => writer.name === name);
  }

  /** The lanes of this process, and those that others of its node may have. */
  get ofNode(): readonly string[] {
    return this.#ofNode.flatMap((each) => [...this.#writers.keys()].map((suffix) => `${each}${suffix}`));
  }

  /** The committed states, as far as this process knows. */
  get states(): readonly KnownLane[] {
    return this.#writers
      .values()
      .flatMap(({ row }) => (row === undefined ? [] : [{ ...row, box: hashBox(row.box) }]))
      .toArray();
  }

  /** Continues where earlier processes have left the lanes. */
  resume(lanes: readonly OpenLane[]): void {
    for (const writer of this.#writers.values()) {
      const lane = lanes.find(({ name }) => name === writer.name);
      if (lane !== undefined) writer.resume(lane.row, lane.content);
    }
  }

  /** Number of the last entry of the node's journal that is in the chain of the process; 0 for none. */
  get journal(): number {
    return this.#main?.statement.audit?.journal ?? 0;
  }

  get #main(): LaneWriter | undefined {
    return this.#writers.get('');
  }
}
