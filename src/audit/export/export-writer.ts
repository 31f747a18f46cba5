import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { synchronise } from '../../common/durable-file.ts';
import type { ExportLine } from './export-lines.ts';

/** Characters that wait to be written. */
const bufferCharacters = 1_048_576;

/** What only the writer knows of the last line. */
export type ExportEnd = Omit<Extract<ExportLine, { kind: 'end' }>, 'kind' | 'digest'>;

/** Writes an export to a temporary file that takes the place of the file at the end, as a whole. */
export class ExportWriter implements Disposable {
  readonly #file: string;
  readonly #temporary: string;
  readonly #descriptor: number;
  readonly #digest = createHash('sha256');
  #buffer: string[] = [];
  #characters = 0;
  #isOpen = true;

  /** @throws the system's error, with `code` and `path` */
  constructor(file: string) {
    this.#file = file;
    this.#temporary = `${file}.new`;
    rmSync(this.#temporary, { force: true });
    this.#descriptor = openSync(this.#temporary, 'wx', 0o600);
  }

  /** Appends a line. @throws the system's error */
  write(line: ExportLine): void {
    const text = `${JSON.stringify(line)}\n`;
    this.#buffer.push(text);
    this.#characters += text.length;
    if (this.#characters >= bufferCharacters) this.#flush();
  }

  /** Writes the last line, and puts the file in its place; it is durable then. @throws the system's error */
  finish(end: ExportEnd): void {
    this.#flush();
    this.write({ kind: 'end', ...end, digest: this.#digest.copy().digest('hex') });
    this.#flush();
    fsyncSync(this.#descriptor);
    closeSync(this.#descriptor);
    this.#isOpen = false;
    renameSync(this.#temporary, this.#file);
    synchronise(dirname(this.#file));
  }

  #flush(): void {
    const bytes = new TextEncoder().encode(this.#buffer.join(''));
    [this.#buffer, this.#characters] = [[], 0];
    this.#digest.update(bytes);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(this.#descriptor, bytes, at);
    } catch (error) {
      // Errors of calls with a descriptor do not say which file it is.
      throw Object.assign(error as Error, { path: this.#file });
    }
  }

  /** Removes what was written, unless it was finished. */
  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    closeSync(this.#descriptor);
    rmSync(this.#temporary, { force: true });
  }
}
