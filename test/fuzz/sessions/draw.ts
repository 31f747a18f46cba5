import { CryptographicUsageMask } from '../../../codec/masks.ts';
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
  /** Number of the object that the actions of this message are mostly about; 0: the oldest. */
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

/** What an object must be like to be chosen. */
interface Wanted {
  readonly types?: readonly ObjectTypeName[];
  /** A use that its mask and its state should allow; once in eight times they need not. */
  readonly use?: Parameters<typeof CryptographicUsageMask.bit>[0];
}

/** Chooses an object: the subject of the message, or any other that is wanted. 0 chooses the subject. */
export function chooseObject(
  draw: Draw,
  { objects, subject, now }: Material,
  { types, use }: Wanted = {},
): ObjectView | undefined {
  const number = draw.number();
  const bit = use === undefined || number % 8 === 7 ? 0 : CryptographicUsageMask.bit(use);
  const fitting = objects.filter(
    (view) => (types === undefined || types.includes(view.type)) && (bit === 0 || isUsable(view, bit, now)),
  );
  const own = objects.at(-1 - (subject % objects.length));
  if (number < 160 && own !== undefined && fitting.includes(own)) return own;
  return fitting[number % fitting.length];
}

function isUsable({ attributes, state }: ObjectView, bit: number, now: number): boolean {
  return ((attributes.get('CryptographicUsageMask') ?? 0) & bit) !== 0 && state(now) === 'Active';
}

/** The identifier of a chosen object; undefined, which means the ID Placeholder, about once in ten. */
export function chooseId(
  draw: Draw,
  material: Material,
  wanted?: Wanted,
): { readonly UniqueIdentifier: string | undefined } | undefined {
  const object = chooseObject(draw, material, wanted);
  if (draw.once(10)) return { UniqueIdentifier: undefined };
  return object && { UniqueIdentifier: object.id };
}
