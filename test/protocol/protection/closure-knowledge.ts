import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, pbkdf2Sync } from 'node:crypto';
import { concatBytes } from '../../../src/common/bytes.ts';
import { joinFields, otherPart, readNumber } from './closure-shares.ts';

/**
 * Byte strings that a client knows, and their closure: all that it computes from them by itself. Nothing of
 * the server computes here, only node:crypto and the fields of `closure-shares.ts`.
 */

/** A byte string that a client knows. */
export interface Known {
  /** The request or computation that gave it; the same in every world. */
  readonly how: string;
  readonly bytes: Uint8Array;
  /**
   * `plain` may be a key or a part of one, `wrapped` was encrypted under a key of the server, `output` is the
   * result of Encrypt, Decrypt or MAC.
   */
  readonly sort: 'plain' | 'wrapped' | 'output';
  readonly iv?: Uint8Array | undefined;
  /** Of an output: the data of the request. */
  readonly input?: Uint8Array | undefined;
  /** Of an output: it was asked for in the mode of the wrapping, so that it is what was wrapped. */
  readonly isPlainText?: boolean | undefined;
  /**
   * The key of the server that encrypted or decrypted it, from the store: tells the plain text among the
   * noise that modes without integrity give for other keys.
   */
  readonly encryptedBy?: Uint8Array | undefined;
  /** Of a part of a split key over a prime field: the prime. */
  readonly prime?: Uint8Array | undefined;
}

/** A piece of a secret in the closure. */
export interface Leak {
  /** Name of the secret. */
  readonly secret: string;
  readonly how: string;
}

/** Bytes of a secret that count as known when they stand side by side: fewer occur by chance. */
export const pieceBytes = 8;

/** Data of a client in derivations, encryptions and MACs. */
export const constant = Uint8Array.from({ length: 32 }, (_, at) => at);
export const zeros = new Uint8Array(16);

/** Derivations from a key with `constant` as data, by the names of the steps. */
export const derivations: Readonly<Record<string, (key: Uint8Array) => Uint8Array>> = {
  HASH: (key) => createHash('sha512').update(key).digest().subarray(0, 32),
  HMAC: (key) => createHmac('sha256', key).update(constant).digest(),
  HKDF: (key) => new Uint8Array(hkdfSync('sha256', key, new Uint8Array(32), constant, 32)),
  NIST800_108_C: (key) =>
    createHmac('sha256', key)
      .update(Uint8Array.of(0, 0, 0, 1))
      .update(constant)
      .digest(),
  PBKDF2: (key) => pbkdf2Sync(key, constant, 1_000, 32, 'sha256'),
  ENCRYPT: (key) => encrypt('aes-256-ecb', key, null, constant),
  ENCRYPT_CBC: (key) => encrypt('aes-256-cbc', key, zeros, constant),
};

function encrypt(cipher: string, key: Uint8Array, iv: Uint8Array | null, data: Uint8Array): Uint8Array {
  const stream = createCipheriv(cipher, key, iv).setAutoPadding(false);
  return concatBytes([stream.update(data), stream.final()]);
}

interface Opening {
  readonly name: string;
  /** The length of what it decrypts is a multiple of this. */
  readonly blockBytes: number;
  /** Whether a wrong key gives nothing. */
  readonly isAuthentic: boolean;
  open(key: Uint8Array, data: Uint8Array, iv: Uint8Array | undefined): Uint8Array;
}

function decrypt(cipher: string, key: Uint8Array, data: Uint8Array, iv: Uint8Array | null): Uint8Array {
  const stream = createDecipheriv(cipher, key, iv).setAutoPadding(false);
  return concatBytes([stream.update(data), stream.final()]);
}

/** RFC 5649, and RFC 3394, whose first block is constant. */
const paddedWrap = (key: Uint8Array, data: Uint8Array) =>
  decrypt('id-aes256-wrap-pad', key, data, Uint8Array.of(0xa6, 0x59, 0x59, 0xa6));
const plainWrap = (key: Uint8Array, data: Uint8Array) =>
  decrypt('aes256-wrap', key, data, new Uint8Array(8).fill(0xa6));

/** Ways to decrypt what the server has encrypted by AES-256. */
const openings: readonly Opening[] = [
  { name: 'RFC 3394', blockBytes: 8, isAuthentic: true, open: plainWrap },
  { name: 'RFC 5649', blockBytes: 8, isAuthentic: true, open: paddedWrap },
  { name: 'GCM', blockBytes: 1, isAuthentic: true, open: openGcm },
  {
    name: 'ECB',
    blockBytes: 16,
    isAuthentic: false,
    open: (key, data) => decrypt('aes-256-ecb', key, data, null),
  },
  {
    name: 'CBC',
    blockBytes: 16,
    isAuthentic: false,
    open: (key, data, iv = zeros) => decrypt('aes-256-cbc', key, data, iv),
  },
  {
    name: 'CTR',
    blockBytes: 1,
    isAuthentic: false,
    open: (key, data, iv = zeros) => decrypt('aes-256-ctr', key, data, iv),
  },
];

function openGcm(key: Uint8Array, data: Uint8Array, iv: Uint8Array = zeros.subarray(0, 12)): Uint8Array {
  const stream = createDecipheriv('aes-256-gcm', key, iv);
  stream.setAuthTag(data.subarray(-16));
  return concatBytes([stream.update(data.subarray(0, -16)), stream.final()]);
}

/** How often derivations follow each other: three have no other way to a secret than two. */
const maxDerivations = 2;

/** A string that may be a key. */
interface Candidate {
  readonly bytes: Uint8Array;
  readonly how: string;
  readonly derivations: number;
  /** The client has the key itself from the server, or has made it. */
  readonly isAnswer: boolean;
}

/** Computes the closure of what a client knows, and finds pieces of secrets in it. */
export class Knowledge {
  /** Strings of the closure that are no direct answers. */
  computed = 0;
  readonly #pieces = new Map<string, string>();
  /** Whether a piece begins with these two bytes. */
  readonly #starts = new Uint8Array(0x10000);
  readonly #found = new Map<string, Leak>();
  readonly #seen = new Set<string>();
  readonly #keys: Candidate[] = [];
  readonly #plain = new Map<string, Known>();
  readonly #secrets: ReadonlyMap<string, Uint8Array>;
  readonly #methods: ReadonlySet<string>;
  readonly #values: ReadonlySet<string> | undefined;

  /**
   * `secrets`: their bytes by name. `methods`: how the server has derived and divided keys so far; by others
   * a client computes nothing that is of use anywhere. `values`: the values of all objects of the server, if
   * they are known: from other strings a client derives nothing that is there.
   */
  constructor(
    secrets: ReadonlyMap<string, Uint8Array>,
    methods: ReadonlySet<string>,
    values?: Iterable<Uint8Array>,
  ) {
    this.#secrets = secrets;
    this.#methods = methods;
    this.#values = values && new Set([...values].map(latin1));
    for (const [name, bytes] of secrets)
      for (let at = 0; at + pieceBytes <= bytes.length; at += 1) {
        this.#pieces.set(latin1(bytes.subarray(at, at + pieceBytes)), name);
        this.#starts[pairAt(bytes, at)] = 1;
      }
  }

  /** Computes the closure; returns the pieces of secrets in it, with the ways to them. */
  close(known: readonly Known[]): readonly Leak[] {
    for (const each of known) {
      this.#look(each.bytes, each.how);
      if (each.sort === 'plain') this.#add(each, { isKey: true, isAnswer: true });
      if (each.sort === 'output') this.#addOutput(each, known);
    }
    const encrypted = known.filter(({ sort }) => sort !== 'plain');
    for (let key = this.#keys.shift(); key !== undefined; key = this.#keys.shift()) {
      for (const each of encrypted) this.#open(key, each);
      if (key.derivations < maxDerivations) this.#derive(key);
    }
    const primes = known.flatMap(({ prime }) => prime ?? []);
    this.#combine([...new Map(primes.map((prime) => [latin1(prime), prime])).values()]);
    return [...this.#found.values()];
  }

  /** Notes which secrets have a piece in the string. */
  #look(bytes: Uint8Array, how: string): void {
    for (let at = 0; at + pieceBytes <= bytes.length; at += 1) {
      if (this.#starts[pairAt(bytes, at)] === 0) continue;
      const secret = this.#pieces.get(latin1(bytes.subarray(at, at + pieceBytes)));
      if (secret === undefined) continue;
      this.#found.set(`${secret} ${how}`, { secret, how });
      return;
    }
  }

  #add(
    each: Known,
    {
      isKey = false,
      isAnswer = false,
      derivations = 0,
    }: { isKey?: boolean; isAnswer?: boolean; derivations?: number },
  ): void {
    const { bytes, how } = each;
    this.#look(bytes, how);
    const text = latin1(bytes);
    if (each.sort === 'plain' && !this.#plain.has(text)) this.#plain.set(text, each);
    if (this.#seen.has(text)) return;
    this.#seen.add(text);
    this.computed += 1;
    if (isKey && bytes.length === 32) this.#keys.push({ bytes, how, derivations, isAnswer });
  }

  /**
   * An output may be a plain text; with its input it gives the difference to it: the key stream of a mode
   * that makes one, or by ECB the plain text of CBC, where the block before is added.
   */
  #addOutput(output: Known, known: readonly Known[]): void {
    const { bytes, how, input, iv = zeros, encryptedBy, isPlainText } = output;
    this.#add({ bytes, how, sort: isPlainText ? 'plain' : 'output' }, { isKey: true });
    if (input === undefined) return;
    const before = concatBytes([iv.subarray(0, 16), input]);
    this.#look(xor(bytes, before), `${how} + the block before`);
    const stream = xor(bytes, input);
    for (const other of known)
      if (other.sort === 'wrapped' && isSame(other.encryptedBy, encryptedBy))
        this.#look(xor(stream, other.bytes), `key stream of ${how} + ${other.how}`);
  }

  /**
   * Opens a string by a key. Keys that the client has are tried at everything, those that it computes only
   * where they fit: others give nothing, or noise.
   */
  #open(key: Candidate, { bytes, how, iv, encryptedBy }: Known): void {
    const isRight = isSame(encryptedBy, key.bytes);
    if (!isRight && !key.isAnswer) return;
    const { derivations } = key;
    for (const { name, isAuthentic, blockBytes, open } of openings) {
      if (bytes.length % blockBytes !== 0) continue;
      try {
        const opened = open(key.bytes, bytes, iv);
        const text = `${name} of ${how} by ${key.how}`;
        this.#look(opened, text);
        if (!isAuthentic && !isRight) continue;
        this.#add({ bytes: opened, how: text, sort: 'plain' }, { isKey: true, derivations });
        for (let at = 8; at + 32 <= opened.length; at += 8)
          this.#add(
            { bytes: opened.subarray(at, at + 32), how: text, sort: 'plain' },
            { isKey: true, derivations },
          );
      } catch {
        // Of another length, or not authentic.
      }
    }
  }

  #derive(key: Candidate): void {
    if (this.#values?.has(latin1(key.bytes)) === false) return;
    for (const [name, derive] of Object.entries(derivations)) {
      if (!this.#methods.has(name)) continue;
      const bytes = new Uint8Array(derive(key.bytes));
      const derivations = key.derivations + 1;
      this.#add({ bytes, how: `${name} of ${key.how}`, sort: 'output' }, { isKey: true, derivations });
    }
  }

  /** Joins pairs of strings as parts of a split key. */
  #combine(primes: readonly Uint8Array[]): void {
    const plain = [...this.#plain.values()];
    const isPolynomial = [...this.#methods].some((method) => method.startsWith('Polynomial'));
    for (const [at, one] of plain.entries())
      for (const other of plain.slice(at + 1)) {
        if (one.bytes.length !== other.bytes.length) continue;
        const how = `of ${one.how} and ${other.how}`;
        this.#look(xor(one.bytes, other.bytes), `XOR ${how}`);
        if (!isPolynomial) continue;
        for (const [first, second] of [
          [one, other],
          [other, one],
        ] as const) {
          this.#look(joinFields(first.bytes, second.bytes), `polynomial ${how}`);
        }
      }
    if (isPolynomial) for (const prime of primes) this.#combineNumbers(plain, readNumber(prime));
  }

  /** Looks for pairs that are the parts of a secret over a prime field. */
  #combineNumbers(plain: readonly Known[], prime: bigint): void {
    const numbers = plain.map(({ bytes }) => readNumber(bytes));
    const byNumber = new Map(plain.map((each, at) => [numbers[at] as bigint, each]));
    for (const [secret, bytes] of this.#secrets)
      for (const [at, one] of plain.entries()) {
        const two = byNumber.get(otherPart(numbers[at] as bigint, readNumber(bytes), prime));
        if (two === undefined || two === one) continue;
        const how = `prime field of ${one.how} and ${two.how}`;
        this.#found.set(`${secret} ${how}`, { secret, how });
      }
  }
}

function pairAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function isSame(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  return one !== undefined && other !== undefined && Buffer.compare(one, other) === 0;
}

function xor(one: Uint8Array, other: Uint8Array): Uint8Array {
  const sum = new Uint8Array(Math.min(one.length, other.length));
  for (let at = 0; at < sum.length; at += 1) sum[at] = (one[at] as number) ^ (other[at] as number);
  return sum;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
