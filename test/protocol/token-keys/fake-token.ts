import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  generateKeyPairSync,
  type KeyObject,
  privateDecrypt,
  privateEncrypt,
  randomBytes,
} from 'node:crypto';
import { UnsupportedAlgorithmError } from '../../../src/crypto/errors.ts';
import { createTokenKeys } from '../../../src/crypto/token/token-keys.ts';
import {
  type DeviceCall,
  type DeviceKey,
  type DeviceKeyEntry,
  type DeviceKeySpecification,
  type DeviceKeyUses,
  type DeviceOutput,
  type DevicePublicKey,
  type TokenDevice,
  TokenKeyKeptError,
  TokenKeyMissingError,
  type TokenKeyReference,
  TokenUnavailableError,
} from '../../../src/crypto/token-device.ts';
import type { TokenKeys } from '../../../src/crypto/token-keys.ts';
import type { TokenKeyPolicy } from '../../../src/protocol/batch/released-token-keys.ts';

/** A token in memory, for tests of what is above the port. */

interface FakeKey {
  readonly type: DeviceKeySpecification['type'];
  readonly uses: DeviceKeyUses;
  readonly made: number;
  readonly secret: Uint8Array | KeyObject;
}

const curves: Readonly<Record<string, string>> = {
  '06082a8648ce3d030107': 'P-256',
  '06052b81040022': 'P-384',
  '06052b81040023': 'P-521',
};

export class FakeToken implements TokenDevice {
  readonly keys = new Map<string, FakeKey>();
  serialNumber = 'serial-1';
  isAway = false;
  /** Called after a key was made, before the answer. */
  made: () => Promise<void> | void = () => {};
  /** Keys that it does not let go. */
  readonly kept = new Set<string>();
  readonly calls: string[] = [];
  requiredGroups: readonly string[] = [];

  /** Its keys, and the groups whose keys are all made in it. */
  get policy(): TokenKeyPolicy & { readonly keys: TokenKeys } {
    return {
      keys: createTokenKeys(this),
      isRequiredFor: (group) => this.requiredGroups.includes(group),
    };
  }

  #note(call: string): void {
    this.calls.push(call);
    if (this.isAway) throw new TokenUnavailableError();
  }

  async serial(): Promise<string> {
    this.#note('serial');
    return this.serialNumber;
  }

  async make(
    { id }: TokenKeyReference,
    key: DeviceKeySpecification,
    uses: DeviceKeyUses,
  ): Promise<DevicePublicKey | undefined> {
    this.#note('make');
    const pair = this.#pairOf(key);
    const secret = pair?.privateKey ?? randomBytes('bytes' in key ? key.bytes : 0);
    this.keys.set(id, { type: key.type, uses, made: 0, secret });
    await this.made();
    const jwk = pair?.publicKey.export({ format: 'jwk' });
    const bytes = (text = '') => new Uint8Array(Buffer.from(text, 'base64url'));
    if (jwk === undefined) return undefined;
    return jwk.kty === 'RSA'
      ? { type: 'rsa', modulus: bytes(jwk.n), exponent: bytes(jwk.e) }
      : { type: 'ec', point: new Uint8Array([4, ...bytes(jwk.x), ...bytes(jwk.y)]) };
  }

  #pairOf(key: DeviceKeySpecification) {
    if (key.type === 'rsa') return generateKeyPairSync('rsa', { modulusLength: key.bits });
    if (key.type !== 'ec') return undefined;
    const namedCurve = curves[key.parameters.toHex()];
    if (namedCurve === undefined) throw new UnsupportedAlgorithmError('the fake has no such curve');
    return generateKeyPairSync('ec', { namedCurve });
  }

  async use(
    { reference, type }: DeviceKey,
    call: DeviceCall,
    data: Uint8Array,
  ): Promise<DeviceOutput | undefined> {
    this.#note(`${call.function} ${call.mechanism.kind}`);
    const key = this.keys.get(reference.id);
    if (key?.type !== type) throw new TokenKeyMissingError(`no key ${reference.id}`);
    if (!key.uses[call.function]) throw new UnsupportedAlgorithmError('the key has not that use');
    try {
      return { output: new Uint8Array(run(key.secret as never, call, data)) };
    } catch (error) {
      if (error instanceof UnsupportedAlgorithmError) throw error;
      return undefined;
    }
  }

  async remove({ id, token }: TokenKeyReference): Promise<void> {
    this.#note('remove');
    if (token !== this.serialNumber) throw new TokenKeyMissingError('another token');
    if (this.kept.has(id)) throw new TokenKeyKeptError('the token keeps it');
    this.keys.delete(id);
  }

  async list(): Promise<readonly DeviceKeyEntry[]> {
    this.#note('list');
    return [...this.keys].map(([id, { made }]) => ({ reference: { id, token: this.serialNumber }, made }));
  }
}

function run(
  secret: Buffer & KeyObject,
  { function: name, mechanism }: DeviceCall,
  data: Uint8Array,
): Uint8Array {
  switch (mechanism.kind) {
    case 'ecb':
    case 'cbc':
    case 'ctr': {
      const iv = mechanism.kind === 'ecb' ? null : mechanism.iv;
      const cipher = `aes-${secret.length * 8}-${mechanism.kind}`;
      const work = (name === 'encrypt' ? createCipheriv : createDecipheriv)(cipher, secret, iv);
      return Buffer.concat([work.setAutoPadding(false).update(data), work.final()]);
    }
    case 'gcm': {
      const { iv, additionalData = new Uint8Array(), tagBytes } = mechanism;
      const cipher = `aes-${secret.length * 8}-gcm` as 'aes-256-gcm';
      const options = { authTagLength: tagBytes };
      if (name === 'encrypt') {
        const work = createCipheriv(cipher, secret, iv, options).setAAD(additionalData);
        return Buffer.concat([work.update(data), work.final(), work.getAuthTag()]);
      }
      const work = createDecipheriv(cipher, secret, iv, options).setAAD(additionalData);
      work.setAuthTag(data.subarray(data.length - tagBytes));
      return Buffer.concat([work.update(data.subarray(0, data.length - tagBytes)), work.final()]);
    }
    case 'hmac':
      return createHmac(mechanism.hash === 'SHA_256' ? 'sha256' : 'sha512', secret)
        .update(data)
        .digest();
    case 'oaep':
      return privateDecrypt({ key: secret, oaepHash: 'sha256', oaepLabel: mechanism.label }, data);
    case 'pkcs1':
      return privateEncrypt({ key: secret, padding: 1 }, data);
    default:
      throw new UnsupportedAlgorithmError(`the fake has no ${mechanism.kind}`);
  }
}
