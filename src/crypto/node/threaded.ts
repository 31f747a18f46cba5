import type { Certification } from '../certification.ts';
import { decrypt as decryptDirectly } from '../ciphers/encryption.ts';
import { InvalidCertificateRequestError, InvalidKeyMaterialError } from '../errors.ts';
import { plainKey } from '../plain-key.ts';
import type { CryptoProvider } from '../provider.ts';
import { sign as signDirectly, verify as verifyDirectly } from '../signatures/signatures.ts';
import { limitConcurrency, maxSlowTasks } from '../threads/limit-concurrency.ts';
import { Threads } from '../threads/threads.ts';
import { readPublicKeyInfo } from '../x509/certificate.ts';
import { readCertificateRequest } from '../x509/certificate-content.ts';
import type { threadFunctions } from './thread-functions.ts';

/*
 * The choice between event loop and threads. A use of a key goes to a thread when it takes several times as
 * long as the transfer to a thread: RSA-2048 0.35 ms, RSA-4096 2.3 ms, a digest under ECDSA or DSA 0.9–4 ms,
 * PKCS#12 1 s, the check of a new key up to 0.3 s. Symmetric ciphers and RSA's public operations
 * take less, and asynchronous functions of node:crypto run on threads already.
 */

const module = new URL('./thread.ts', import.meta.url);
const threads = new Threads<typeof threadFunctions>({ module });
/** Threads for jobs that take turns as slow work, so that none of them waits twice. */
const slowThreads = new Threads<typeof threadFunctions>({ module, size: maxSlowTasks });

/** Ends the threads; jobs that are not done fail. */
export async function closeThreads(): Promise<void> {
  await Promise.all([threads.close(), slowThreads.close()]);
}

const decrypt: CryptoProvider['decrypt'] = async (key, parameters, ciphertext) =>
  key.objectType === 'PrivateKey'
    ? threads.run('decrypt', key, parameters, ciphertext)
    : decryptDirectly(key, parameters, ciphertext);

/** node:crypto signs data asynchronously, but neither digests nor PSS with two hashes. */
const sign: CryptoProvider['sign'] = async (key, parameters, message) => {
  const { HashingAlgorithm: hash, MaskGeneratorHashingAlgorithm: maskHash } = parameters;
  const isAsynchronous = 'data' in message && (maskHash === undefined || maskHash === hash);
  return isAsynchronous
    ? signDirectly(key, parameters, message)
    : threads.run('sign', key, parameters, message);
};

const verify: CryptoProvider['verify'] = async (key, parameters, message, signature) =>
  'data' in message || key.CryptographicAlgorithm === 'RSA'
    ? verifyDirectly(key, parameters, message, signature)
    : threads.run('verify', key, parameters, message, signature);

/** Checks what has numbers: asymmetric keys, those of certificates, parts of split keys. */
const checkObject: CryptoProvider['checkObject'] = async (object) => {
  if (object.type === 'Certificate') {
    const { CertificateType, CertificateValue } = object.value;
    if (CertificateType !== 'X_509') return;
    return checkPublicKey(readPublicKeyInfo(CertificateValue));
  }
  if (object.type === 'SplitKey') return threads.run('checkShare', object.value);
  if (object.type !== 'PublicKey' && object.type !== 'PrivateKey') return;
  const key = plainKey(object.type, object.value.KeyBlock);
  if (key !== undefined) await threads.run('checkKey', key);
};

/** Reads a certificate request; what is wrong with its key is wrong with the request. */
export const readCheckedRequest: Certification['readCertificateRequest'] = async (type, value) => {
  const content = await readCertificateRequest(type, value);
  try {
    await checkPublicKey(content.publicKey);
  } catch (error) {
    throw error instanceof InvalidKeyMaterialError
      ? new InvalidCertificateRequestError(error.message)
      : error;
  }
  return content;
};

function checkPublicKey(KeyMaterial: Uint8Array): Promise<void> {
  return threads.run('checkKey', { objectType: 'PublicKey', KeyFormatType: 'X_509', KeyMaterial });
}

/** The members of the provider that use threads. */
export const threadedOperations = {
  decrypt,
  unwrap: (key, parameters, { data, iv }) => decrypt(key, parameters, { data, iv, tag: 'appended' }),
  sign,
  verify,
  encodePkcs12: (key, parts) => limitConcurrency(() => slowThreads.run('encodePkcs12', key, parts)),
  checkObject,
  decodePkcs12: (file, password) => limitConcurrency(() => slowThreads.run('decodePkcs12', file, password)),
} satisfies Partial<CryptoProvider>;
