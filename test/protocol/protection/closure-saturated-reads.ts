import type { ManagedObject } from '../../../src/object/managed-object.ts';
import { Export } from '../../../src/operations/transfer/export.ts';
import { constant, type Known } from './closure-knowledge.ts';
import { objectOf, sampleOf } from './closure-planting.ts';
import {
  type Blob,
  dataModes,
  listBlobs,
  modeNames,
  type Read,
  readDecrypted,
  readEncrypted,
  readMac,
  readPlain,
  readWrapped,
  type Text,
} from './closure-reads.ts';
import type { Reached, Saturation } from './closure-saturation.ts';
import { materialOf } from './closure-world.ts';

/** Requests for bytes, with all objects that were reached. */
export class SaturatedReads {
  readonly #saturation: Saturation;
  /** What the client has learnt, by what decides the bytes. */
  readonly #learned = new Set<string>();
  /** Wrapped keys whose content was recorded when they left. */
  readonly recorded = new Set<string>();
  /** Pairs of classes for which every wrapping is refused. */
  readonly #closedPairs = new Set<string>();
  /** Objects of which it is known that they have left, by kind and class. */
  readonly #shown = new Set<string>();
  #read = 0;
  readonly #ciphers = new Map<string, number>();

  constructor(saturation: Saturation) {
    this.#saturation = saturation;
  }

  /** Reads what was not read before; the reads may change objects, which are read too. */
  async run(): Promise<void> {
    const { objects } = this.#saturation;
    for (; this.#read < objects.length; this.#read += 1) {
      const one = objects[this.#read] as Reached;
      await this.#readSingle(one);
      for (const other of objects.slice(0, this.#read + 1)) {
        await this.#readPair(one, other);
        if (other !== one) await this.#readPair(other, one);
      }
    }
    await this.#readCiphers();
  }

  async #readSingle(object: Reached): Promise<void> {
    const { pool } = this.#saturation;
    const { cipher, leaving } = object.roles;
    const plain = { ...readPlain(pool, object), decided: `get ${leaving}` };
    await this.#consider(plain, [object], `get ${object.term} ${object.sample.type}`);
    for (const algorithm of [undefined, 'HMAC_SHA256'] as const)
      await this.#consider(
        { ...readMac(pool, object, algorithm), decided: `MAC ${algorithm} ${cipher}` },
        [object],
        `MAC ${algorithm} ${object.term}`,
      );
    if (object.term.startsWith('stored '))
      await this.#consider(
        { ...readPlain(pool, object), decided: `get not wrapped ${leaving}` },
        [object],
        `opened ${object.term} ${object.sample.type}`,
      );
    const fixed: Text = { how: 'constant', mode: 'constant', bytes: constant };
    for (const mode of dataModes)
      await this.#consider(
        { ...readEncrypted(pool, object, mode, fixed), decided: `encrypt ${mode} ${cipher}` },
        [object],
        `encrypt ${mode} ${object.term}`,
      );
    for (const mode of ['ECB', 'CBC'] as const)
      await this.#consider(
        { ...readDecrypted(pool, object, mode, fixed), decided: `decrypt ${mode} ${cipher}` },
        [object],
        `decrypt ${mode} ${object.term}`,
      );
  }

  async #readPair(object: Reached, key: Reached): Promise<void> {
    const saturation = this.#saturation;
    const { pool } = saturation;
    const flag = object === key ? ' itself' : '';
    const roles = `${object.roles.leaving} by ${key.roles.key}${flag}`;
    const pair = roles;
    if (this.#closedPairs.has(pair) && !saturation.isDrawn()) return;
    const content = `${this.#valueOf(object)} ${object.sample.type} by ${key.term}`;
    const reads = [
      ...modeNames.map((mode) => [readWrapped(pool, object, key, mode), `${content} ${mode}`, mode] as const),
      [readWrapped(pool, object, key, 'GCM', { operation: Export }), `export ${content}`, 'export'] as const,
      ...(object.term.startsWith('stored ')
        ? [
            [
              readWrapped(pool, object, key, 'NIST', { KeyWrapType: 'NotWrapped' }),
              `opened ${content}`,
              'opened',
            ] as const,
          ]
        : []),
    ];
    let isOpen = false;
    for (const [read, learns, how] of reads) {
      const isDone = await this.#consider({ ...read, decided: `${how} ${roles}` }, [object, key], learns);
      isOpen ||= isDone;
    }
    if (!isOpen) this.#closedPairs.add(pair);
  }

  /** Makes a request unless it brings nothing new; returns whether the server answers it. */
  async #consider(read: Read, named: readonly Reached[], learns: string): Promise<boolean> {
    const saturation = this.#saturation;
    const { pool, memo } = saturation;
    const isNeeded = saturation.needs(
      read.decided,
      ({ changed }) =>
        !this.#learned.has(learns) || changed.some(([at]) => this.#isShownAnew(named[at] as Reached)),
    );
    if (!isNeeded) return memo.get(read.decided)?.isDone === true;
    const answered = await saturation.ask(read.decided, [read.item], pool, {
      named: named.map(({ id }) => id),
      unshown: named.filter(({ sample }) => sample.provenance.shown !== 'clear').map(({ id }) => id),
    });
    if (!answered.isDone) return false;
    const [reply] = answered.replies;
    if (reply !== undefined && !this.#learned.has(learns)) {
      read.keep(reply, pool);
      this.#learned.add(learns);
      if (answered.isRecorded) this.recorded.add(read.how);
    }
    for (const [at, object] of answered.updates) await this.#change(named[at] as Reached, object);
    return true;
  }

  #isShownAnew({ kind, class: number, sample }: Reached): boolean {
    return sample.provenance.shown !== 'clear' && !this.#shown.has(`${kind} ${number}`);
  }

  /** The value of an object: those that the client knows anyway serve alike when they are as long. */
  #valueOf({ term, kind, sample }: Reached): string {
    if (!kind.startsWith('known')) return term;
    return `known value of ${materialOf(sample.value)?.length}`;
  }

  /** An object has left: so it has where the step before is undone. */
  async #change(from: Reached, object: ManagedObject): Promise<void> {
    const saturation = this.#saturation;
    this.#shown.add(`${from.kind} ${from.class}`);
    const { term, depth, path } = from;
    const extra = saturation.extraOf(from.sample.id) || undefined;
    const name = nameAfter(from, saturation);
    await saturation.add(object, { term, depth, path, before: from.before, name, extra });
    for (const before of from.before) {
      const undone = objectOf(before.sample, saturation.pool.group, 0);
      undone.changeProvenance({ shown: sampleOf(object).provenance.shown });
      await saturation.add(undone, {
        ...{ term, depth, path: [...path, 'undone'], before: before.before, extra },
        name: nameAfter(before, saturation),
      });
    }
  }

  /** Encrypts and decrypts by every key what its value has wrapped. */
  async #readCiphers(): Promise<void> {
    const { pool, objects } = this.#saturation;
    const blobs = Map.groupBy(listBlobs(pool), ({ key }) => key);
    for (const key of objects) {
      const own: readonly Blob[] = blobs.get(key.term) ?? [];
      const from = this.#ciphers.get(key.name) ?? 0;
      this.#ciphers.set(key.name, own.length);
      for (const blob of own.slice(from)) {
        const text: Text = { ...blob, ...(pool.known.get(blob.how) as Known) };
        const size = ` of ${text.bytes.length}`;
        for (const mode of dataModes)
          await this.#cipher(readDecrypted(pool, key, mode, text), key, blob, size);
        for (const mode of ['GCM', 'CTR'] as const)
          await this.#cipher(readEncrypted(pool, key, mode, text), key, blob, size);
      }
    }
  }

  async #cipher(read: Read, key: Reached, blob: Blob, size: string): Promise<void> {
    const decided = `${read.decided.replace(/#\d+$/u, '')} ${key.roles.cipher} ${size}`;
    const learns = `${read.kind} ${read.how.replace(/^(\w+)\([^,]+,/u, `$1(${key.term},`)} ${blob.how}`;
    await this.#consider({ ...read, decided }, [key], learns);
  }
}

export function nameAfter(from: Reached, { objects }: Saturation): string {
  return `${from.name.replace(/~.*$/u, '')}~${objects.length}`;
}
