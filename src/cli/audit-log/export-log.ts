import { decodeCheckpoint } from '../../audit/checkpoints/checkpoint.ts';
import { checkpointFilesIn } from '../../audit/checkpoints/checkpoint-files.ts';
import { readCheckpointTexts } from '../../audit/checkpoints/checkpoint-texts.ts';
import { encodeKeyLine } from '../../audit/checkpoints/signing-key.ts';
import { readKeyList } from '../../audit/checkpoints/signing-keys.ts';
import { type ExportedPosition, exportFormat, toEntryLine } from '../../audit/export/export-lines.ts';
import type { ExportWriter } from '../../audit/export/export-writer.ts';
import type { LogVerification, LogVerifier } from '../../audit/verification/log-verifier.ts';
import { isThere, type LogReader, type OpenedLog, type TimedBlock } from './verify-log.ts';

/** Which blocks an export has, by the time when they were written: milliseconds since 1970. */
export interface ExportBounds {
  readonly since: number | undefined;
  readonly until: number | undefined;
}

/** Where a chain stands in an export. */
interface ExportedChain {
  isInside: boolean;
  /** Set once it has got beyond the export. */
  end: ExportedPosition | undefined;
}

/** Writes what a verification reads into an export. */
export class LogExporter implements LogReader {
  readonly #writer: ExportWriter;
  readonly #directory: string;
  readonly #bounds: ExportBounds;
  readonly #passed: (blocks: number, total: number) => void;
  readonly #chains = new Map<string, ExportedChain>();
  readonly #checkpoints: readonly string[];
  #total = 0;
  #blocks = 0;

  /**
   * Reads the checkpoints: those that are made meanwhile say more than the export has.
   * @param directory of the audit log in the state directory
   * @param passed is told of blocks that were read, and how many there are
   */
  constructor(
    writer: ExportWriter,
    directory: string,
    bounds: ExportBounds,
    passed: (blocks: number, total: number) => void,
  ) {
    this.#writer = writer;
    this.#directory = directory;
    this.#bounds = bounds;
    this.#passed = passed;
    this.#checkpoints = checkpointFilesIn(directory)
      .filter(isThere)
      .flatMap((file) => [...readCheckpointTexts(file)])
      .flatMap((found) => (found.kind === 'checkpoint' ? [found.text] : []));
  }

  /** Blocks that were written. */
  get blocks(): number {
    return this.#blocks;
  }

  begin({ lanes, starts, stores, blocks }: OpenedLog): void {
    this.#total = blocks;
    const { since, until } = this.#bounds;
    const iso = (time: number | undefined) => (time === undefined ? null : new Date(time).toISOString());
    this.#writer.write({
      ...{ kind: 'header', format: exportFormat, stores, made: new Date().toISOString() },
      ...{ since: iso(since), until: iso(until) },
    });
    for (const key of readKeyList(this.#directory))
      this.#writer.write({ kind: 'key', line: encodeKeyLine(key) });
    for (const text of this.#checkpoints) {
      // The state directory may have served other databases.
      const store = decodeCheckpoint(text)?.store;
      if (store === undefined || stores.includes(store)) this.#writer.write({ kind: 'checkpoint', text });
    }
    for (const { name, seq, content } of lanes) {
      const { id: chain, count: entries, head } = content.audit ?? {};
      if (chain !== undefined && entries !== undefined && head !== undefined)
        this.#writer.write({ kind: 'lane', name, seq, chain, entries, head: head.toHex() });
    }
    for (const [chain, { first, head }] of starts)
      this.#writer.write({ kind: 'cut', chain, first, head: head.toHex() });
  }

  read({ chain, first, count, time, entries }: TimedBlock, verifier: LogVerifier): void {
    const state = this.#chains.get(chain) ?? { isInside: false, end: undefined };
    this.#chains.set(chain, state);
    const { since = Number.NEGATIVE_INFINITY, until = Number.POSITIVE_INFINITY } = this.#bounds;
    if (state.end !== undefined || (!state.isInside && time < since)) return;
    if (time > until) {
      state.end = positionIn(verifier, chain);
      return;
    }
    if (!state.isInside) this.#writeStart(chain, verifier);
    state.isInside = true;
    this.#blocks += 1;
    // The text of a chain or a number that somebody else has written may be anything.
    if (entries === undefined)
      this.#writer.write({ kind: 'block', chain, first, count, time, altered: true });
    else {
      this.#writer.write({ kind: 'block', chain, first, count, time });
      for (const entry of entries) this.#writer.write(toEntryLine(entry));
    }
  }

  pass(blocks: number): void {
    this.#passed(blocks, this.#total);
  }

  end(verifier: LogVerifier, { ended }: LogVerification): void {
    const { since, until } = this.#bounds;
    const inside = [...this.#chains].filter(([, { isInside }]) => isInside);
    // What lanes state of the others is compared too, unless the export ends before.
    if (since !== undefined && until === undefined)
      for (const [chain, { isInside }] of this.#chains) if (!isInside) this.#writeStart(chain, verifier);
    this.#writer.finish({
      blocks: this.#blocks,
      chains: inside.map(([chain, { end }]) => end ?? positionIn(verifier, chain)),
      ended: ended.map(({ chain, count, head }) => ({ chain, entries: count, head })),
    });
  }

  /** Says where the part of a chain begins, unless that is where the chain begins. */
  #writeStart(chain: string, verifier: LogVerifier): void {
    if (verifier.positionOf(chain) === undefined) return;
    const { entries: first, head } = positionIn(verifier, chain);
    this.#writer.write({ kind: 'start', chain, first, head });
  }
}

/** How far a chain was read; zeros for a head that cannot be known, which no verification accepts. */
function positionIn(verifier: LogVerifier, chain: string): ExportedPosition {
  const { count = 0, head } = verifier.positionOf(chain) ?? {};
  return { chain, entries: count, head: head?.toHex() ?? '0'.repeat(64) };
}
