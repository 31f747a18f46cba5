import { createDecipheriv } from 'node:crypto';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { decodeKeyValue } from '../../../codec/structures/key-block.ts';
import { hasKeyBlock, type ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { defaultLimits } from '../../../src/common/limits.ts';
import { nodeCrypto } from '../../../src/crypto/node/node.ts';
import { type PlainKey, plainKey } from '../../../src/crypto/plain-key.ts';
import { secretsOf } from './rows.ts';
import { knownPairs } from './values.ts';

/** Bytes of a secret that give it away when they follow each other in an answer. */
const tellingBytes = 8;
/** Of a long secret the first bytes suffice. */
const comparedBytes = 64;

const latin = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

/** A key that has left the server wrapped. */
interface WrappedKey {
  readonly wrappingKey: PlainKey;
  readonly parameters: CryptographicParameters;
  readonly data: Uint8Array;
  readonly iv: Uint8Array | undefined;
  readonly isEncoded: boolean;
  readonly type: ManagedObjectValue['type'];
}

/** An object that was derived by encryption, which whoever knows the key reverses. */
interface DerivedByEncryption {
  readonly key: Uint8Array;
  readonly derived: Uint8Array;
}

interface Secret {
  readonly id: string;
  readonly windows: readonly string[];
}

/**
 * What the attacking clients know: the bytes that they have sent or been sent, and everything that they can
 * decrypt, unwrap or undo with these.
 */
export class Knowledge {
  readonly #known = new Set<string>();
  readonly #secrets = new Map<string, Secret>();
  /** Bytes that an open object has, or had. */
  readonly #released = new Set<string>();
  #wrapped: WrappedKey[] = [];
  #derived: DerivedByEncryption[] = [];
  /** Secrets that have become known, by the identifier of their object. */
  readonly leaked: string[] = [];

  constructor() {
    for (const { privateKey } of knownPairs)
      for (const each of secretsOf({
        objectType: 'PrivateKey',
        KeyFormatType: 'PKCS_8',
        KeyMaterial: privateKey,
      }))
        this.learn(each);
  }

  isKnown(bytes: Uint8Array): boolean {
    return this.#known.has(latin(bytes));
  }

  /** Learns bytes that can be a key, or contain one. */
  learn(bytes: Uint8Array): void {
    this.search(bytes);
    this.#known.add(latin(bytes));
  }

  /** Learns the key in a value that is not wrapped. */
  learnValue(value: ManagedObjectValue): void {
    if (value.type === 'OpaqueObject') this.learn(value.value.OpaqueDataValue);
    if (!hasKeyBlock(value)) return;
    for (const secret of secretsOf(plainKey(value.type, value.value.KeyBlock))) this.learn(secret);
  }

  learnWrapped(wrapped: WrappedKey): void {
    this.#wrapped.push(wrapped);
  }

  learnDerived(derived: DerivedByEncryption): void {
    this.#derived.push(derived);
  }

  /** From now on the bytes must not become known, unless they are. */
  keepSecret(id: string, bytes: Uint8Array): void {
    if (bytes.length < tellingBytes || this.isKnown(bytes) || this.#isReleased(latin(bytes))) return;
    const text = latin(bytes.subarray(0, comparedBytes));
    const windows = Array.from({ length: text.length - tellingBytes + 1 }, (_, at) =>
      text.slice(at, at + tellingBytes),
    );
    this.#secrets.set(latin(bytes), { id, windows });
  }

  isSecret(bytes: Uint8Array): boolean {
    return this.#secrets.has(latin(bytes));
  }

  /** Whether an open object has the bytes, or a part of them: a private key as such and inside of its DER. */
  #isReleased(text: string): boolean {
    return [...this.#released].some((open) => open.includes(text) || text.includes(open));
  }

  /** The bytes may become known: an open object has them too. */
  release(bytes: Uint8Array): void {
    this.#secrets.delete(latin(bytes));
    if (bytes.length >= tellingBytes) this.#released.add(latin(bytes));
  }

  /** Looks for secrets in bytes of an answer, and in what its texts encode. */
  search(bytes: Uint8Array): void {
    const text = latin(bytes);
    this.#searchText(text);
    for (const [hex] of text.matchAll(/[0-9a-fA-F]{16,}/g)) this.#searchText(latin(Buffer.from(hex, 'hex')));
    for (const [base64] of text.matchAll(/[0-9A-Za-z+/_-]{11,}={0,2}/g))
      this.#searchText(latin(Buffer.from(base64, 'base64')));
  }

  #searchText(text: string): void {
    for (const [bytes, { id, windows }] of this.#secrets) {
      if (!windows.some((window) => text.includes(window))) continue;
      this.leaked.push(id);
      this.#secrets.delete(bytes);
    }
  }

  /** Applies what is known to what is encrypted, until nothing more comes of it. */
  async conclude(): Promise<void> {
    for (let before = -1; before !== this.#known.size; ) {
      before = this.#known.size;
      this.#derived = this.#derived.filter((each) => !this.#undo(each));
      const open: WrappedKey[] = [];
      for (const each of this.#wrapped) if (!(await this.#unwrap(each))) open.push(each);
      this.#wrapped = open;
    }
  }

  #undo({ key, derived }: DerivedByEncryption): boolean {
    if (!this.isKnown(key) || !this.isKnown(derived)) return false;
    try {
      const cipher = createDecipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
      this.learn(cipher.update(derived.subarray(0, derived.length - (derived.length % 16))));
    } catch {
      // The key is none of AES, or the encryption was another: nothing is learnt.
    }
    return true;
  }

  async #unwrap(wrapped: WrappedKey): Promise<boolean> {
    const key = this.#keyFor(wrapped.wrappingKey);
    if (key === undefined) return false;
    try {
      const { data, iv, parameters, isEncoded, type } = wrapped;
      const bytes = await nodeCrypto.unwrap(key, parameters, { data, iv });
      this.learn(bytes);
      const value = isEncoded ? decodeKeyValue(bytes, defaultLimits) : undefined;
      const KeyMaterial = value?.KeyMaterial;
      if (KeyMaterial !== undefined)
        for (const each of secretsOf({ objectType: type, KeyFormatType: 'Raw', KeyMaterial }))
          this.learn(each);
    } catch {
      // Wrapped otherwise than stated: nothing is learnt.
    }
    return true;
  }

  /** The key that unwraps, where the attacking clients know it. */
  #keyFor(wrappingKey: PlainKey): PlainKey | undefined {
    const { KeyMaterial: material } = wrappingKey;
    if (wrappingKey.objectType !== 'PublicKey')
      return secretsOf(wrappingKey).every((each) => this.isKnown(each)) ? wrappingKey : undefined;
    const pair = knownPairs.find(
      ({ publicKey }) => material instanceof Uint8Array && latin(publicKey) === latin(material),
    );
    return (
      pair && {
        objectType: 'PrivateKey',
        KeyFormatType: 'PKCS_8',
        KeyMaterial: pair.privateKey,
        CryptographicAlgorithm: pair.algorithm,
      }
    );
  }
}
