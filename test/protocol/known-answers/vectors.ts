import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Published vectors in `vectors/`: `# source`, then `[Field = value]` for all records of that source,
 * then the records, one field a line. Bytes are hexadecimal. Samples of NIST's CAVP files, the RFCs and the
 * sets of other libraries, each checked with an implementation that is not Node's before it was written down.
 */
export class Vector {
  readonly name: string;
  readonly #fields: ReadonlyMap<string, string>;

  constructor(name: string, fields: ReadonlyMap<string, string>) {
    this.name = name;
    this.#fields = fields;
  }

  has(field: string): boolean {
    return this.#fields.has(field);
  }

  text(field: string): string | undefined {
    return this.#fields.get(field);
  }

  /** Returns the text of a field, e.g. the name of an algorithm. Throws when the record has no such field. */
  requireText<T extends string>(field: string): T {
    const value = this.text(field);
    if (value === undefined) throw new Error(`${this.name} has no ${field}`);
    return value as T;
  }

  bytes(field: string): Uint8Array {
    return Uint8Array.fromHex(this.requireText(field));
  }

  /** Returns the bytes of a field; undefined when the record has no such field. */
  optionalBytes(field: string): Uint8Array | undefined {
    return this.has(field) ? this.bytes(field) : undefined;
  }
}

/** Reads the vectors of a file in `vectors/`. */
export function readVectors(file: string): Vector[] {
  const text = readFileSync(join(import.meta.dirname, 'vectors', file), 'utf8');
  const vectors: Vector[] = [];
  let source = '';
  let common: [string, string][] = [];
  for (const block of text.split(/\n{2,}/)) {
    const fields: [string, string][] = [];
    for (const line of block.split('\n')) {
      const [, open, name, value = ''] = /^(\[?)(\w+) =(?: (.*?))?\]?$/.exec(line) ?? [];
      if (line.startsWith('#')) [source, common] = [line.slice(2), []];
      else if (name !== undefined) (open ? common : fields).push([name, value]);
    }
    if (fields.length === 0) continue;
    vectors.push(new Vector(`${source}, ${vectors.length + 1}`, new Map([...common, ...fields])));
  }
  return vectors;
}
