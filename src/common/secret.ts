/**
 * Returns so many zeros in memory that stays where it is. V8 has typed arrays of at most 64 bytes in its own
 * heap and moves them, so that copies stay which nobody can overwrite; an ArrayBuffer is never there.
 */
export function allocateSecretBytes(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new ArrayBuffer(length));
}

/** Returns a copy in memory that stays where it is; the caller wipes both. */
export function copySecret(secret: Uint8Array): Uint8Array<ArrayBuffer> {
  const copy = allocateSecretBytes(secret.length);
  copy.set(secret);
  return copy;
}

/**
 * Bytes that nobody may read but the code that uses them: a root, a passphrase, a share, a sealing secret.
 * They are in memory of their own, are overwritten by `wipe`, and no text shows them: not that of a log, an
 * error, JSON or a template.
 */
export class Secret implements Disposable {
  readonly #bytes: Uint8Array;
  #isWiped = false;

  /**
   * Takes the bytes over: the caller neither keeps nor changes them. They must not be part of a pool, and up
   * to 64 of them come from `allocateSecretBytes`.
   */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Copies bytes that the caller wipes itself. */
  static copyOf(bytes: Uint8Array): Secret {
    return new Secret(copySecret(bytes));
  }

  /**
   * The bytes themselves, for the moment of a call.
   * @throws {TypeError} once they are wiped, because zeros would serve as a key that everybody knows.
   */
  get bytes(): Uint8Array {
    if (this.#isWiped) throw new TypeError('the secret was wiped');
    return this.#bytes;
  }

  /** Number of bytes, also once they are wiped. */
  get length(): number {
    return this.#bytes.length;
  }

  /** Overwrites the bytes; a second call does nothing. */
  wipe(): void {
    this.#bytes.fill(0);
    this.#isWiped = true;
  }

  [Symbol.dispose](): void {
    this.wipe();
  }

  toString(): string {
    return shown;
  }

  toJSON(): string {
    return shown;
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return shown;
  }
}

const shown = '[secret]';
