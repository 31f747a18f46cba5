import { readFileLines } from '../file-lines.ts';
import { isFirstLine, isLastLine } from './checkpoint.ts';
import { decodeKeyLine, type PublicSigningKey } from './signing-key.ts';

/** The longest line: one of JSON that contains a checkpoint. */
const maxLineBytes = 4 * 1_024 * 1_024;
/** The most lines of a checkpoint, one for each lane. */
const maxLines = 10_000;

/** Something in a file of checkpoints. */
export type FoundText =
  | { readonly kind: 'checkpoint'; readonly text: string; readonly line: number }
  /** A line of a list of public keys. */
  | { readonly kind: 'key'; readonly key: PublicSigningKey; readonly line: number }
  /** Lines that are no checkpoint, or a part of one. */
  | { readonly kind: 'damaged'; readonly line: number }
  /** A checkpoint at the end of the file that was not written to its end. */
  | { readonly kind: 'torn'; readonly line: number; readonly offset: number };

/**
 * Finds the checkpoints of a file: texts one after the other, with empty lines between, or lines of JSON with
 * a member `checkpoint` or `text`. Lines of public keys may be among them. Reads the file by pieces.
 * @throws {UnusableFileError} for a path that is no regular file; the system's error, with `code` and `path`
 */
export function* readCheckpointTexts(path: string): Generator<FoundText> {
  let collected: { lines: string[]; line: number; offset: number } | undefined;
  let isAfterDamage = false;
  for (const { bytes, number, offset, isWhole } of readFileLines(path, maxLineBytes)) {
    // Checkpoints are ASCII; other bytes must not become characters of it.
    const text = bytes.toString('latin1');
    if (isFirstLine(text)) {
      if (collected !== undefined) yield { kind: 'damaged', line: collected.line };
      collected = { lines: [], line: number, offset };
    }
    if (!isWhole) {
      yield { kind: 'torn', line: collected?.line ?? number, offset: collected?.offset ?? offset };
      return;
    }
    if (collected === undefined) {
      const found = readAlone(text, number);
      // One report for a run of lines.
      if (found !== undefined) yield found;
      else if (text.trim() !== '' && !isAfterDamage) yield { kind: 'damaged', line: number };
      isAfterDamage = found === undefined && text.trim() !== '';
      continue;
    }
    collected.lines.push(`${text}\n`);
    if (collected.lines.length > maxLines) {
      yield { kind: 'damaged', line: collected.line };
      [collected, isAfterDamage] = [undefined, true];
    } else if (isLastLine(text)) {
      yield { kind: 'checkpoint', text: collected.lines.join(''), line: collected.line };
      [collected, isAfterDamage] = [undefined, false];
    }
  }
  if (collected !== undefined) yield { kind: 'torn', line: collected.line, offset: collected.offset };
}

/** Reads a line that stands outside of a checkpoint. */
function readAlone(line: string, number: number): FoundText | undefined {
  const text = line.startsWith('{') ? readJson(line) : undefined;
  if (text !== undefined) return { kind: 'checkpoint', text, line: number };
  const key = decodeKeyLine(line);
  return key && { kind: 'key', key, line: number };
}

function readJson(line: string): string | undefined {
  try {
    const { checkpoint, text } = JSON.parse(line);
    const found = checkpoint ?? text;
    return typeof found === 'string' && isFirstLine(found.split('\n', 1)[0] ?? '') ? found : undefined;
  } catch {
    return undefined;
  }
}
