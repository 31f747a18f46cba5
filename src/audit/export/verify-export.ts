import { createHash } from 'node:crypto';
import type { ChainEntry } from '../../common/audit-chain.ts';
import { decodeKeyLine } from '../checkpoints/signing-key.ts';
import { type FileLine, readFileLines } from '../file-lines.ts';
import type { CheckpointFindings, CheckpointReview } from '../verification/checkpoint-review.ts';
import { type ChainCut, type LogVerification, LogVerifier } from '../verification/log-verifier.ts';
import { ProblemList } from '../verification/problem-list.ts';
import type { StatedEnd } from '../verification/stated-positions.ts';
import { decodeExportLine, type ExportedPosition, type ExportLine, exportFormat } from './export-lines.ts';

/** The longest line: that of the longest entry which a journal gives, with what JSON escapes in it. */
const maxLineBytes = 256 * 1_024 * 1_024;

/** What an export has shown. */
export interface ExportVerification {
  readonly log: LogVerification;
  readonly checkpoints: CheckpointFindings;
  readonly starts: ReadonlyMap<string, ChainCut>;
  readonly problems: ProblemList;
  /** Bounds of the time of blocks, where it is a part of the log. */
  readonly bounds: { readonly since: string | null; readonly until: string | null };
}

/**
 * Verifies an export, without a database or key.
 * @param review has the keys that are trusted, and checkpoints from elsewhere
 * @param pause is awaited after some lines
 * @throws {UnusableFileError} when the file cannot be read, or is no export; the system's error
 */
export async function verifyExport(
  file: string,
  review: CheckpointReview,
  pause: () => Promise<void>,
): Promise<ExportVerification> {
  const verifier = new ExportVerifier(file, review);
  for (const line of readFileLines(file, maxLineBytes)) {
    verifier.add(line);
    if (line.number % 256 === 0) await pause();
  }
  return verifier.finish();
}

type Line<Kind extends ExportLine['kind']> = Extract<ExportLine, { kind: Kind }>;

/** A block whose entries are being read. */
interface OpenBlock {
  readonly line: Line<'block'>;
  readonly place: string;
  readonly entries: ChainEntry[];
}

class ExportVerifier {
  readonly #file: string;
  readonly #review: CheckpointReview;
  readonly #problems = new ProblemList();
  readonly #digest = createHash('sha256');
  readonly #starts = new Map<string, ChainCut>();
  readonly #ends: StatedEnd[] = [];
  readonly #lanes: StatedEnd[] = [];
  #header: Line<'header'> | undefined;
  #findings: CheckpointFindings | undefined;
  #verifier: LogVerifier | undefined;
  #block: OpenBlock | undefined;
  #blocks = 0;
  #isEnded = false;

  constructor(file: string, review: CheckpointReview) {
    this.#file = file;
    this.#review = review;
  }

  add({ bytes, number, isWhole }: FileLine): void {
    const place = `${this.#file} line ${number}`;
    const line = isWhole ? decodeExportLine(bytes.toString('utf8')) : undefined;
    if (number === 1 && line?.kind !== 'header')
      this.#problems.add(`${place}: this is no header of an export`);
    if (this.#isEnded) return this.#problems.add(`${place}: there is more after the end of the export`);
    if (line === undefined) this.#problems.add(`${place}: this is no line of an export, or a damaged one`);
    else this.#take(line, place);
    this.#digest.update(bytes);
    this.#digest.update('\n');
  }

  finish(): ExportVerification {
    const { verifier, findings } = this.#beginLog();
    if (!this.#isEnded) this.#problems.add(`${this.#file}: its end is missing`);
    const log = verifier.finish();
    const { since = null, until = null } = this.#header ?? {};
    return {
      ...{ log, checkpoints: findings, starts: this.#starts, problems: this.#problems },
      bounds: { since, until },
    };
  }

  #take(line: ExportLine, place: string): void {
    if (line.kind === 'entry') return this.#takeEntry(line, place);
    this.#closeBlock();
    switch (line.kind) {
      case 'header':
        return this.#takeHeader(line, place);
      case 'key': {
        const key = decodeKeyLine(line.line);
        if (key === undefined) return this.#problems.add(`${place}: this is no signing key`);
        return this.#review.addKeys([key]);
      }
      case 'checkpoint':
        if (this.#verifier !== undefined)
          return this.#problems.add(`${place}: a checkpoint stands after a block`);
        return void this.#review.addText(line.text, place, 'given');
      case 'lane':
        return void this.#lanes.push(toEnd(line, `lane ${line.name}`));
      case 'cut':
      case 'start':
        return this.#takeStart(line, place);
      case 'block':
        this.#blocks += 1;
        this.#block = { line, place, entries: [] };
        return;
      case 'end':
        return this.#takeEnd(line, place);
    }
  }

  #takeHeader(line: Line<'header'>, place: string): void {
    if (this.#header !== undefined) return this.#problems.add(`${place}: this is a second header`);
    this.#header = line;
    if (line.format !== exportFormat)
      this.#problems.add(
        `${place}: the export has format ${line.format}; this kmipd reads format ${exportFormat}`,
      );
  }

  #takeStart({ kind, chain, first, head }: Line<'cut'> | Line<'start'>, place: string): void {
    if (kind === 'start' && (this.#header?.since ?? null) === null)
      return this.#problems.add(`${place}: a part begins here, in an export that is no part`);
    if (this.#verifier?.positionOf(chain) !== undefined)
      return this.#problems.add(`${place}: chain ${chain} begins here a second time`);
    this.#starts.set(chain, { first, head: Uint8Array.fromHex(head) });
  }

  #takeEntry({ salt, text }: Line<'entry'>, place: string): void {
    if (this.#block === undefined) return this.#problems.add(`${place}: this entry is of no block`);
    this.#block.entries.push({ salt: Uint8Array.fromHex(salt), text });
  }

  #closeBlock(): void {
    if (this.#block === undefined) return;
    const { line, place, entries } = this.#block;
    const { chain, first, count, altered } = line;
    this.#block = undefined;
    if (altered === true) this.#beginLog().verifier.add({ chain, first, count, entries: undefined, place });
    else if (entries.length !== count)
      this.#problems.add(`${place}: the block has ${entries.length} entries, it states ${count}`);
    else this.#beginLog().verifier.add({ chain, first, count, entries, place });
  }

  #takeEnd({ blocks, chains, ended, digest }: Line<'end'>, place: string): void {
    this.#isEnded = true;
    if (this.#digest.copy().digest('hex') !== digest)
      this.#problems.add(`${place}: the lines before are not those that were exported`);
    if (blocks !== this.#blocks)
      this.#problems.add(`${place}: ${blocks} blocks were exported, ${this.#blocks} are there`);
    if ((this.#header?.until ?? null) !== null)
      this.#ends.push(...chains.map((position) => toEnd(position, 'the end of the export')));
    else {
      this.#ends.push(...this.#lanes);
      this.#ends.push(...ended.map((position) => toEnd(position, 'the end of the export')));
    }
  }

  /** Before the first block everything else is known. */
  #beginLog(): { readonly verifier: LogVerifier; readonly findings: CheckpointFindings } {
    this.#findings ??= this.#review.finish(this.#header?.stores ?? []);
    this.#verifier ??= new LogVerifier({
      ...{ starts: this.#starts, ends: this.#ends, checkpoints: this.#findings.positions },
      isPart: (this.#header?.until ?? null) !== null,
    });
    return { verifier: this.#verifier, findings: this.#findings };
  }
}

function toEnd({ chain, entries, head }: ExportedPosition, by: string): StatedEnd {
  return { chain, count: entries, head, by };
}
