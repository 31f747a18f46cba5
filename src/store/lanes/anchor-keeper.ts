import { type Anchor, encodeAnchors } from './anchor.ts';
import type { KnownLane } from './lane-history.ts';
import type { LaneOptions } from './lane-ports.ts';

/** Reads the anchors of a database, and keeps that of this process. */
export class AnchorKeeper {
  #written = '';
  /** Whether no process has left an anchor. */
  #isNew = false;

  /** @throws {AnchorUnreadableError} */
  async read({ vault, anchors }: LaneOptions): Promise<readonly Anchor[]> {
    const found = await anchors.read(vault.storeNames);
    this.#isNew = found.length === 0;
    return found;
  }

  /** Writes the anchor of this process if it has changed. */
  async keep(
    { vault, anchors, observer }: LaneOptions,
    keyring: number,
    lanes: readonly KnownLane[],
  ): Promise<void> {
    const [store = '', ...previous] = vault.storeNames;
    const anchor: Anchor = { store, keyring, lanes };
    const text = encodeAnchors([anchor]);
    if (text === this.#written) return;
    await anchors.write(anchor, previous);
    if (this.#isNew) observer.anchored();
    [this.#written, this.#isNew] = [text, false];
  }
}
