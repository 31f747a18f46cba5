import { randomFillSync } from 'node:crypto';
import type { Secret } from '../../common/secret.ts';
import { decryptGcm, encryptGcm } from '../aead.ts';
import { computeNonce } from '../box.ts';
import type { OpenRoot } from './root.ts';
import { deriveFromRoot } from './root-derivation.ts';

/** Bytes of a root that is in memory for a moment. */
export const rootBytes = 32;

/** In front of what is wrapped; it says how. */
const wrapFormat = Uint8Array.of(2);
const noAad = new Uint8Array();
/** Hexadecimal digits of the id of a root. */
const idDigits = 16;

/**
 * A root of 32 bytes: of a file, a passphrase, a credential or shares. It wraps by AES-256-GCM,
 *
 *     2 | nonce (12) | ciphertext | tag (16)
 *
 * under keys that HKDF-SHA256 derives from it. The root itself is overwritten as soon as they are derived.
 */
export class ByteRoot implements OpenRoot {
  readonly id: string;
  readonly #wrapKey: Uint8Array;
  readonly #nonceKey: Uint8Array;
  readonly #random: (buffer: Uint8Array) => void;
  #isClosed = false;

  /**
   * Wipes `secret`. `storeId`: 16 bytes, the salt. `random` fills a buffer with random bytes; only tests use
   * another one.
   */
  constructor(secret: Secret, storeId: Uint8Array, random: (buffer: Uint8Array) => void = randomFillSync) {
    const derive = (label: string) => deriveFromRoot(secret.bytes, storeId, label);
    try {
      if (secret.length !== rootBytes) throw new TypeError(`a root has ${rootBytes} bytes`);
      this.#wrapKey = derive('kmipd/2 root wrap');
      this.#nonceKey = derive('kmipd/2 root nonce');
      this.id = derive('kmipd/2 root check').toHex().slice(0, idDigits);
    } finally {
      secret.wipe();
    }
    this.#random = random;
  }

  async wrap(secret: Uint8Array): Promise<Uint8Array> {
    this.#requireOpen();
    const nonce = computeNonce(this.#nonceKey, wrapFormat, noAad, secret, this.#random);
    return encryptGcm(this.#wrapKey, wrapFormat, nonce, noAad, secret);
  }

  async unwrap(wrapped: Uint8Array): Promise<Uint8Array | undefined> {
    this.#requireOpen();
    if (wrapped[0] !== wrapFormat[0]) return undefined;
    return decryptGcm(this.#wrapKey, wrapFormat.length, noAad, wrapped);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const key of [this.#wrapKey, this.#nonceKey]) key.fill(0);
  }

  /** Zeros would wrap what everybody can unwrap. */
  #requireOpen(): void {
    if (this.#isClosed) throw new TypeError('the root is closed');
  }
}
