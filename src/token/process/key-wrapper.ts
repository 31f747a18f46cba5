import { constants, type KeyObject, publicEncrypt } from 'node:crypto';
import { concatBytes, isSameBytes } from '../../common/bytes.ts';
import { allocateSecretBytes, copySecret } from '../../common/secret.ts';
import { cka, ckk, ckm, cko, ckr, oaep } from '../cryptoki.ts';
import { maxSecretBytes, TokenFailure } from '../messages.ts';
import { findWrappingFormat, type TokenWrappingMethod, type WrappingFormat } from '../wrapping-formats.ts';
import { codeOf, type Handle, type Pkcs11, toFailure, viewOf } from './library.ts';
import type { RootKey } from './root-key.ts';
import { isImpossible, isNotOffered, isRejection, RejectedError } from './wrapping-codes.ts';

/** An open session with the functions of the library. */
export interface OpenSession {
  readonly pkcs11: Pkcs11;
  readonly module: InstanceType<Pkcs11['PKCS11']>;
  readonly handle: Handle;
}

type Mechanism = Parameters<OpenSession['module']['C_EncryptInit']>[1];

const ivBytes = 12;
const tagBits = 128;
/** The multiple of bytes that RFC 3394 wraps, and the least it does. */
const blockBytes = 8;
const minBlocks = 2;
/** What a token may add to a secret of at most 128 bytes, or to a modulus of 512. */
const maxOutputBytes = 1_024;

/** A text of 61 bytes, as no wrapped secret is. Its length is a multiple of nothing. */
const testSecret = new TextEncoder().encode('kmipd tries whether this key unwraps what it has wrapped, 61.');

/** Wraps and unwraps by one key, in one session. */
export class KeyWrapper {
  readonly #session: OpenSession;
  readonly #key: RootKey;
  /** What the token says it can do with the key. */
  readonly #methods: readonly TokenWrappingMethod[];
  /** By which it wraps. */
  readonly method: TokenWrappingMethod;
  /** A token that chooses the IV itself may refuse one that is given. */
  #mustZeroIv = false;
  /** `testSecret`, wrapped. */
  #wrappedTest: Uint8Array = new Uint8Array();

  /**
   * Chooses the first of the candidates by which the key wraps and unwraps a test secret: tokens promise
   * mechanisms that they refuse for a key of that kind or usage. `methods`: all that the token has for it.
   * @throws {TokenFailure} when there is none; the message says why each failed.
   */
  constructor(
    session: OpenSession,
    key: RootKey,
    methods: readonly TokenWrappingMethod[],
    candidates: readonly TokenWrappingMethod[],
  ) {
    this.#session = session;
    this.#key = key;
    this.#methods = methods;
    this.method = this.#choose(candidates);
  }

  #choose(methods: readonly TokenWrappingMethod[]): TokenWrappingMethod {
    const reasons = new Set<string>();
    for (const method of methods) {
      for (const mustZeroIv of method.format.mechanism === ckm.aesGcm ? [false, true] : [false]) {
        this.#mustZeroIv = mustZeroIv;
        try {
          this.#test(method);
          return method;
        } catch (error) {
          if (!isImpossible(error)) throw error;
          reasons.add(`${method.format.name}: ${toFailure(error).message}`);
        }
      }
    }
    throw new TokenFailure(
      'token',
      methods.length === 0
        ? `the token has no mechanism by which an ${this.#key.description.algorithm} key wraps for kmipd`
        : `the key does not wrap: ${[...reasons].join('; ')}`,
    );
  }

  #test(method: TokenWrappingMethod): void {
    const wrapped = this.#seal(method, testSecret);
    const unwrapped = this.#open(method, wrapped);
    if (isSameBytes(wrapped, testSecret) || !isSameBytes(unwrapped, testSecret))
      throw new TokenFailure('request', 'the token does not return what it has wrapped');
    this.#wrappedTest = wrapped;
  }

  /** Returns the byte of the format, then what the token makes of the secret. */
  wrap(secret: Uint8Array): Uint8Array {
    return concatBytes([Uint8Array.of(this.method.format.format), this.#seal(this.method, secret)]);
  }

  /**
   * Returns the secret, which the caller overwrites; undefined when the token rejects it.
   * @throws {TokenFailure} of kind `request` when this key does not have the format any more.
   */
  unwrap(wrapped: Uint8Array): Uint8Array | undefined {
    const format = findWrappingFormat(wrapped[0]);
    if (format === undefined || format.key !== this.#key.kind) return undefined;
    const methods =
      this.method.format === format
        ? [this.method]
        : this.#methods.filter((method) => method.format === format);
    let mayHaveWrapped = methods.length === 0;
    for (const method of methods) {
      try {
        return requireWrappable(this.#open(method, wrapped.subarray(1)));
      } catch (error) {
        if (this.#isRejected(error)) return undefined;
        if (!isNotOffered(error)) throw error;
        mayHaveWrapped ||= codeOf(error) !== ckr.keyFunctionNotPermitted;
      }
    }
    // The usage of a key says that it has not wrapped this: the byte of the format was altered.
    if (!mayHaveWrapped) return undefined;
    throw new TokenFailure('request', `the token does not open ${format.name} with this key`);
  }

  /** Whether the bytes were at fault. In doubt, they were if the key still opens what it wrapped itself. */
  #isRejected(error: unknown): boolean {
    const rejection = isRejection(error);
    if (rejection !== 'maybe') return rejection === 'yes';
    try {
      return isSameBytes(this.#open(this.method, this.#wrappedTest), testSecret);
    } catch {
      return false;
    }
  }

  #seal({ format, way }: TokenWrappingMethod, secret: Uint8Array): Uint8Array {
    if (this.#key.kind === 'rsa') return sealOutside(this.#key.publicKey, format, secret);
    if (format.mechanism === ckm.aesGcm) return this.#sealByGcm(secret);
    const mechanism = { mechanism: format.mechanism };
    const run = (plain: Uint8Array) =>
      way === 'encrypt' ? this.#encrypt(mechanism, plain) : this.#wrapKey(mechanism, plain);
    if (format.mechanism !== ckm.aesKeyWrap) return run(secret);
    const padded = padToBlocks(secret);
    try {
      return run(padded);
    } finally {
      padded.fill(0);
    }
  }

  #open({ format, way }: TokenWrappingMethod, wrapped: Uint8Array): Uint8Array {
    if (format.key === 'rsa') return this.#decrypt(this.#oaepMechanism(format), wrapped);
    if (format.mechanism === ckm.aesGcm) {
      if (wrapped.length < ivBytes) throw new RejectedError();
      return this.#decrypt(this.#gcmMechanism(wrapped.slice(0, ivBytes)), wrapped.subarray(ivBytes));
    }
    const mechanism = { mechanism: format.mechanism };
    const plain = way === 'encrypt' ? this.#decrypt(mechanism, wrapped) : this.#unwrapKey(mechanism, wrapped);
    return format.mechanism === ckm.aesKeyWrap ? removePadding(plain) : plain;
  }

  #sealByGcm(secret: Uint8Array): Uint8Array {
    const { module, handle } = this.#session;
    const iv = new Uint8Array(ivBytes);
    if (!this.#mustZeroIv) module.C_GenerateRandom(handle, viewOf(iv));
    // A token that chooses the IV writes it here.
    const encrypted = this.#encrypt(this.#gcmMechanism(iv), secret);
    if (iv.every((byte) => byte === 0))
      throw new TokenFailure('request', 'the token has encrypted with an IV of zeros');
    return concatBytes([iv, encrypted]);
  }

  #gcmMechanism(iv: Uint8Array): Mechanism {
    const parameter = {
      type: this.#session.pkcs11.CK_PARAMS_GCM,
      iv: viewOf(iv),
      ivBits: ivBytes * 8,
      tagBits,
    };
    return { mechanism: ckm.aesGcm, parameter };
  }

  #oaepMechanism(format: WrappingFormat): Mechanism {
    const parameter = {
      type: this.#session.pkcs11.CK_PARAMS_RSA_OAEP,
      hashAlg: isSha256(format) ? ckm.sha256 : ckm.sha1,
      mgf: isSha256(format) ? oaep.mgf1Sha256 : oaep.mgf1Sha1,
      source: oaep.dataSpecified,
    };
    return { mechanism: format.mechanism, parameter };
  }

  #encrypt(mechanism: Mechanism, plain: Uint8Array): Uint8Array {
    const { module, handle } = this.#session;
    module.C_EncryptInit(handle, mechanism, this.#key.handle);
    return copySecret(module.C_Encrypt(handle, viewOf(plain), viewOf(new Uint8Array(maxOutputBytes))));
  }

  #decrypt(mechanism: Mechanism, encrypted: Uint8Array): Uint8Array {
    const { module, handle } = this.#session;
    module.C_DecryptInit(handle, mechanism, this.#key.handle);
    const output = new Uint8Array(maxOutputBytes);
    try {
      return copySecret(module.C_Decrypt(handle, viewOf(encrypted), viewOf(output)));
    } finally {
      output.fill(0);
    }
  }

  /** Makes the secret an object of the session, and wraps that. */
  #wrapKey(mechanism: Mechanism, secret: Uint8Array): Uint8Array {
    const { module, handle } = this.#session;
    const object = module.C_CreateObject(handle, [
      ...sessionSecret,
      { type: cka.value, value: viewOf(secret) },
    ]);
    try {
      const output = viewOf(new Uint8Array(maxOutputBytes));
      return copySecret(module.C_WrapKey(handle, mechanism, this.#key.handle, object, output));
    } finally {
      module.C_DestroyObject(handle, object);
    }
  }

  #unwrapKey(mechanism: Mechanism, wrapped: Uint8Array): Uint8Array {
    const { module, handle } = this.#session;
    const object = module.C_UnwrapKey(handle, mechanism, this.#key.handle, viewOf(wrapped), [
      ...sessionSecret,
    ]);
    try {
      const [{ value } = {}] = module.C_GetAttributeValue(handle, object, [{ type: cka.value }]);
      if (value === undefined) throw new TokenFailure('request', 'the token keeps what it has unwrapped');
      const secret = copySecret(value);
      value.fill(0);
      return secret;
    } finally {
      module.C_DestroyObject(handle, object);
    }
  }
}

/** A secret that ends with the session and may be read. */
const sessionSecret = [
  { type: cka.class, value: cko.secretKey },
  { type: cka.keyType, value: ckk.genericSecret },
  { type: cka.token, value: false },
  { type: cka.sensitive, value: false },
  { type: cka.extractable, value: true },
];

const isSha256 = ({ name }: WrappingFormat): boolean => name.endsWith('SHA-256');

/** The public operation of RSA needs no token, and many have no public key beside the private one. */
function sealOutside(key: KeyObject, format: WrappingFormat, secret: Uint8Array): Uint8Array {
  const oaepHash = isSha256(format) ? 'sha256' : 'sha1';
  return publicEncrypt({ key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash }, secret);
}

/** Whoever has the public key of an RSA pair can wrap what `wrap` does not. */
function requireWrappable(secret: Uint8Array): Uint8Array {
  if (secret.length > 0 && secret.length <= maxSecretBytes) return secret;
  secret.fill(0);
  throw new RejectedError();
}

/** Puts a length of one byte before the secret and zeros after it. */
function padToBlocks(secret: Uint8Array): Uint8Array {
  const blocks = Math.max(minBlocks, Math.ceil((1 + secret.length) / blockBytes));
  const padded = allocateSecretBytes(blocks * blockBytes);
  padded[0] = secret.length;
  padded.set(secret, 1);
  return padded;
}

function removePadding(padded: Uint8Array): Uint8Array {
  const end = 1 + (padded[0] ?? 0);
  const isPadded = end <= padded.length && padded.subarray(end).every((byte) => byte === 0);
  const secret = copySecret(isPadded ? padded.subarray(1, end) : new Uint8Array());
  padded.fill(0);
  if (!isPadded) throw new RejectedError();
  return secret;
}
