import type { ObjectTypeName } from '../../../codec/structures/managed-objects.ts';
import type { ObjectView } from './rows.ts';

/**
 * Turns the numbers of a generated action into choices. A missing number is 0, and 0 always chooses the first
 * and simplest: fast-check shrinks towards it.
 */
export class Draw {
  readonly #numbers: readonly number[];
  #at = 0;

  constructor(numbers: readonly number[]) {
    this.#numbers = numbers;
  }

  /** A number from 0 to 255. */
  number(): number {
    const number = this.#numbers[this.#at] ?? 0;
    this.#at += 1;
    return number;
  }

  /** True about once in `n`. */
  once(n: number): boolean {
    return this.number() >= 256 - 256 / n;
  }

  of<const L extends readonly [unknown, ...unknown[]]>(list: L): L[number];
  of<T>(list: readonly T[]): T | undefined;
  of<T>(list: readonly T[]): T | undefined {
    const number = this.number();
    return list.length === 0 ? undefined : list[number % list.length];
  }
}

/** What earlier messages of a session offer to later ones. */
export interface Material {
  /** POSIX seconds. */
  readonly now: number;
  /** Objects of the group, the newest first. */
  readonly objects: readonly ObjectView[];
  /** Number of the object that the actions of this message are mostly about. */
  readonly subject: number;
  /** Results of Encrypt, and wrapped keys, the newest first. */
  readonly ciphertexts: readonly Ciphertext[];
  /** Asynchronous Correlation Values, the newest first. */
  readonly jobs: readonly Uint8Array[];
  /** Correlation Values of data in parts, with key and operation. */
  readonly streams: readonly OpenStream[];
  /** Returns bytes that no other call returns. */
  unique(length: number): Uint8Array;
  /** Whether the client is the owner, whose requests nobody else sees. */
  readonly isOwner: boolean;
}

/** Bytes that an answer has given out encrypted. */
export interface Ciphertext {
  /** The key that encrypts them. */
  readonly key: string;
  readonly data: Uint8Array;
  readonly iv?: Uint8Array | undefined;
  readonly tag?: Uint8Array | undefined;
  /** Cryptographic Parameters of a wrapping, with its encoding. */
  readonly wrapping?: Readonly<Record<string, unknown>> | undefined;
  readonly type?: ObjectTypeName | undefined;
}

/** Data in parts that waits for its next part. */
export interface OpenStream {
  readonly operation: string;
  readonly id: string;
  readonly value: Uint8Array;
}

/** A request as the handler reads it, in every version. */
export interface PlainRequest {
  readonly operation: string;
  readonly request: Readonly<Record<string, unknown>>;
}

/** Writes a request from the choices of an action; undefined where there is nothing to write about. */
export type Recipe = (draw: Draw, material: Material) => PlainRequest | undefined;

/**
 * Chooses an object: the subject of the message, or any other of those types. 0 chooses the subject.
 */
export function chooseObject(
  draw: Draw,
  { objects, subject }: Material,
  types?: readonly ObjectTypeName[],
): ObjectView | undefined {
  const fitting = objects.filter(({ type }) => types === undefined || types.includes(type));
  const own = objects[subject % objects.length];
  const number = draw.number();
  if (number < 160 && own !== undefined && fitting.includes(own)) return own;
  return fitting[number % fitting.length];
}

/** The identifier of a chosen object; undefined, which means the ID Placeholder, about once in ten. */
export function chooseId(
  draw: Draw,
  material: Material,
  types?: readonly ObjectTypeName[],
): { readonly UniqueIdentifier: string | undefined } | undefined {
  const object = chooseObject(draw, material, types);
  if (draw.once(10)) return { UniqueIdentifier: undefined };
  return object && { UniqueIdentifier: object.id };
}
