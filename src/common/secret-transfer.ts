import {
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
} from 'node:crypto';
import { concatBytes, joinBytes, splitBytes } from './bytes.ts';
import { Secret } from './secret.ts';

/**
 * Secrets between processes whose messages are texts: ECDH on P-256 with a key of each process, HKDF-SHA256
 * and AES-256-GCM. So a share or a passphrase is in no string, which could not be overwritten, on either
 * side. Nobody is authenticated by it; who may open the connection decides that.
 */

const tagBytes = 16;
/** Each message has a key of its own. */
const nonce = new Uint8Array(12);

/** The key of a process for which others encrypt. */
export class SecretReceiver {
  readonly #key: KeyObject;
  /** SubjectPublicKeyInfo in Base64. */
  readonly publicKey: string;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    this.#key = privateKey;
    this.publicKey = exportKey(publicKey).toBase64();
  }

  /** Decrypts what `encryptSecret` has returned; undefined when it was not made for this key. */
  decrypt(text: string): Secret | undefined {
    try {
      const [sender, encrypted] = splitBytes(Uint8Array.fromBase64(text));
      const key = deriveKey(this.#key, importKey(sender), sender, Uint8Array.fromBase64(this.publicKey));
      const end = encrypted.length - tagBytes;
      const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: tagBytes });
      decipher.setAuthTag(encrypted.subarray(end));
      const plain = decipher.update(encrypted.subarray(0, end));
      const secret = Secret.copyOf(plain);
      plain.fill(0);
      key.fill(0);
      try {
        decipher.final();
        return secret;
      } catch {
        secret.wipe();
        return undefined;
      }
    } catch {
      return undefined;
    }
  }
}

/**
 * Encrypts a secret for the process that has that public key; the result is Base64.
 * @throws {TypeError} and errors of the key, when it is none.
 */
export function encryptSecret(secret: Secret, publicKey: string): string {
  const receiver = Uint8Array.fromBase64(publicKey);
  const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const sender = exportKey(own.publicKey);
  const key = deriveKey(own.privateKey, importKey(receiver), sender, receiver);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const encrypted = cipher.update(secret.bytes);
  cipher.final();
  key.fill(0);
  return joinBytes(sender, concatBytes([encrypted, cipher.getAuthTag()])).toBase64();
}

function deriveKey(own: KeyObject, other: KeyObject, sender: Uint8Array, receiver: Uint8Array): Uint8Array {
  const shared = diffieHellman({ privateKey: own, publicKey: other });
  const key = hkdfSync('sha256', shared, concatBytes([sender, receiver]), 'kmipd secret transfer', 32);
  shared.fill(0);
  return new Uint8Array(key);
}

const exportKey = (key: KeyObject): Uint8Array => new Uint8Array(key.export({ format: 'der', type: 'spki' }));
const importKey = (der: Uint8Array): KeyObject =>
  createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
