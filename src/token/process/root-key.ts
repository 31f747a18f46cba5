import { createHash, createPublicKey, type KeyObject, randomFillSync } from 'node:crypto';
import { concatBytes, joinBytes } from '../../common/bytes.ts';
import { cka, ckk, ckm, cko, ckr } from '../cryptoki.ts';
import { type KeyRequest, TokenFailure, type TokenKeyDescription } from '../messages.ts';
import { type AttributeTemplate, type CryptokiModule, codeOf, type Handle, viewOf } from './library.ts';

/** The key in the token by which secrets are wrapped. */
export type RootKey = {
  readonly handle: Handle;
  readonly description: Omit<TokenKeyDescription, 'format' | 'way' | 'isTrial'>;
} & ({ readonly kind: 'aes' } | { readonly kind: 'rsa'; readonly publicKey: KeyObject });

const aesKeyBytes = 32;
const minRsaBits = 2_048;
const maxRsaBits = 4_096;
/** A CKA_ID of so many bytes is taken for unique; kmipd makes random ones. */
const uniqueIdBytes = 16;
/** So many bytes of CKA_LABEL and CKA_ID are told, so that they fit into an answer. */
const maxShownBytes = 128;

/** The objects of one session. */
export class TokenObjects {
  readonly #module: CryptokiModule;
  readonly #session: Handle;
  readonly #serial: string;

  constructor(module: CryptokiModule, session: Handle, serial: string) {
    this.#module = module;
    this.#session = session;
    this.#serial = serial;
  }

  /**
   * Finds the one key that a request names; undefined when there is none, or none is named for a trial.
   * @throws {TokenFailure} when there are several, or when kmipd cannot use it.
   */
  find({ mode, object, id, type }: KeyRequest): RootKey | undefined {
    if (object === undefined && id === undefined) {
      if (mode === 'trial') return undefined;
      throw new TokenFailure('token', 'the URI names no key; add object=LABEL or id=ID');
    }
    const named: AttributeTemplate = [
      { type: cka.token, value: true },
      ...(object === undefined ? [] : [{ type: cka.label, value: viewOf(new TextEncoder().encode(object)) }]),
      ...(id === undefined ? [] : [{ type: cka.id, value: viewOf(Uint8Array.fromHex(id)) }]),
    ];
    const search = (objectClass: number, keyType: number) =>
      this.#search([
        { type: cka.class, value: objectClass },
        { type: cka.keyType, value: keyType },
        ...named,
      ]);
    const aes = type === 'private' ? [] : search(cko.secretKey, ckk.aes);
    const rsa = type === 'secret-key' ? [] : search(cko.privateKey, ckk.rsa);
    if (aes.length + rsa.length > 1)
      throw new TokenFailure(
        'token',
        'several keys of the token fit the URI; add id=ID, or type=secret-key or type=private',
      );
    if (aes[0] !== undefined) return this.#describeAes(aes[0]);
    return rsa[0] === undefined ? undefined : this.#describeRsa(rsa[0]);
  }

  #search(template: AttributeTemplate): Handle[] {
    this.#module.C_FindObjectsInit(this.#session, template);
    try {
      return this.#module.C_FindObjects(this.#session, 2);
    } finally {
      this.#module.C_FindObjectsFinal(this.#session);
    }
  }

  /**
   * Makes an AES-256 key that never leaves the token, for one way of wrapping alone. `isKept`: as an object
   * of the token, otherwise it ends with the session.
   * @throws {TokenFailure} when the token has made it readable; it is removed then.
   */
  create({ object, id }: KeyRequest, way: 'encrypt' | 'wrap', isKept: boolean): RootKey {
    const keyId = id === undefined ? randomFillSync(new Uint8Array(uniqueIdBytes)) : Uint8Array.fromHex(id);
    const handle = this.#module.C_GenerateKey(this.#session, { mechanism: ckm.aesKeyGen }, [
      { type: cka.class, value: cko.secretKey },
      { type: cka.keyType, value: ckk.aes },
      { type: cka.valueLen, value: aesKeyBytes },
      { type: cka.label, value: viewOf(new TextEncoder().encode(object ?? 'kmipd')) },
      { type: cka.id, value: viewOf(keyId) },
      { type: cka.token, value: isKept },
      { type: cka.private, value: true },
      { type: cka.sensitive, value: true },
      { type: cka.extractable, value: false },
      { type: cka.encrypt, value: way === 'encrypt' },
      { type: cka.decrypt, value: way === 'encrypt' },
      { type: cka.wrap, value: way === 'wrap' },
      { type: cka.unwrap, value: way === 'wrap' },
      { type: cka.sign, value: false },
      { type: cka.verify, value: false },
      { type: cka.derive, value: false },
    ]);
    try {
      const key = this.#describeAes(handle);
      const { isSensitive, isExtractable } = key.description;
      if (isSensitive !== true || isExtractable !== false)
        throw new TokenFailure('token', 'the token has made a key that it would give out; it was removed');
      return key;
    } catch (error) {
      this.#module.C_DestroyObject(this.#session, handle);
      throw error;
    }
  }

  remove(key: RootKey): void {
    this.#module.C_DestroyObject(this.#session, key.handle);
  }

  #describeAes(handle: Handle): RootKey {
    const length = readNumber(this.#read(handle, cka.valueLen));
    if (length !== undefined && length !== aesKeyBytes)
      throw new TokenFailure(
        'token',
        `the key is AES-${length * 8}; kmipd protects AES-256 keys and needs AES-256`,
      );
    return { kind: 'aes', handle, description: this.#describe(handle, 'AES-256') };
  }

  #describeRsa(handle: Handle): RootKey {
    const modulus = this.#read(handle, cka.modulus);
    const exponent = this.#read(handle, cka.publicExponent) ?? this.#readPublicExponent(handle);
    if (modulus === undefined || exponent === undefined)
      throw new TokenFailure('token', 'the token does not tell modulus and public exponent of the RSA key');
    const publicKey = createPublicKey({
      format: 'jwk',
      key: { kty: 'RSA', n: modulus.toString('base64url'), e: exponent.toString('base64url') },
    });
    const bits = publicKey.asymmetricKeyDetails?.modulusLength ?? 0;
    if (bits < minRsaBits || bits > maxRsaBits)
      throw new TokenFailure(
        'token',
        `the RSA key has ${bits} bits; kmipd takes ${minRsaBits} to ${maxRsaBits}`,
      );
    const description = this.#describe(handle, `RSA-${bits}`);
    // The public key names the pair in every token that has it.
    const id = shortHash(['rsa', publicKey.export({ format: 'der', type: 'spki' })]);
    return { kind: 'rsa', handle, publicKey, description: { ...description, id } };
  }

  /** Some tokens have the exponent in the public object only, which has the CKA_ID of the private one. */
  #readPublicExponent(handle: Handle): Buffer | undefined {
    const id = this.#read(handle, cka.id);
    if (id === undefined) return undefined;
    const [found] = this.#search([
      { type: cka.class, value: cko.publicKey },
      { type: cka.keyType, value: ckk.rsa },
      { type: cka.id, value: id },
    ]);
    return found === undefined ? undefined : this.#read(found, cka.publicExponent);
  }

  #describe(handle: Handle, algorithm: string): RootKey['description'] {
    const label = this.#read(handle, cka.label) ?? new Uint8Array();
    const ckaId = this.#read(handle, cka.id) ?? new Uint8Array();
    const isSensitive = readBoolean(this.#read(handle, cka.sensitive));
    const isExtractable = readBoolean(this.#read(handle, cka.extractable));
    if (isSensitive === false && isExtractable === true)
      throw new TokenFailure(
        'token',
        'the token gives the key out in the clear (CKA_SENSITIVE false); make another one',
      );
    return {
      id:
        ckaId.length >= uniqueIdBytes
          ? shortHash(['key', ckaId])
          : shortHash(['key of token', this.#serial, ckaId, label]),
      algorithm,
      label: new TextDecoder().decode(label.subarray(0, maxShownBytes)),
      ckaId: new Uint8Array(ckaId.subarray(0, maxShownBytes)).toHex(),
      isExtractable,
      isSensitive,
      wasNeverExtractable: readBoolean(this.#read(handle, cka.neverExtractable)),
      isMadeInToken: readBoolean(this.#read(handle, cka.local)),
    };
  }

  /** Reads one attribute; undefined when the key has none or the token keeps it. */
  #read(handle: Handle, type: number): Buffer | undefined {
    try {
      return this.#module.C_GetAttributeValue(this.#session, handle, [{ type }])[0]?.value;
    } catch (error) {
      const code = codeOf(error);
      if (code === ckr.attributeSensitive || code === ckr.attributeTypeInvalid) return undefined;
      throw error;
    }
  }
}

/** The first 8 bytes of SHA-256 over the parts, each behind its length, in hexadecimal digits. */
function shortHash(parts: readonly (string | Uint8Array)[]): string {
  const bytes = parts.map((part) => (typeof part === 'string' ? new TextEncoder().encode(part) : part));
  const content = concatBytes(bytes.map((part) => joinBytes(part, new Uint8Array())));
  return createHash('sha256').update(content).digest('hex').slice(0, 16);
}

function readBoolean(value: Buffer | undefined): boolean | null {
  return value === undefined || value.length !== 1 ? null : value[0] !== 0;
}

/** Reads a CK_ULONG. */
function readNumber(value: Buffer | undefined): number | undefined {
  return value === undefined || value.length === 0
    ? undefined
    : value.readUIntLE(0, Math.min(value.length, 6));
}
