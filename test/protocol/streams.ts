import type { Attribute } from '../../codec/attribute.ts';
import { CreateKeyPair } from '../../src/operations/creation/create-key-pair.ts';
import { Decrypt } from '../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../src/operations/cryptography/encrypt.ts';
import { Hash } from '../../src/operations/cryptography/hash.ts';
import { MAC } from '../../src/operations/cryptography/mac.ts';
import { MACVerify } from '../../src/operations/cryptography/mac-verify.ts';
import { Sign } from '../../src/operations/cryptography/sign.ts';
import { SignatureVerify } from '../../src/operations/cryptography/signature-verify.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { active, createPair, registerKey, withMask } from './keys.ts';
import { algorithm, having, succeed } from './operations/ask.ts';
import type { TestService } from './service.ts';

/** One way to send data in parts. */
export interface StreamKind {
  readonly name: string;
  readonly operation: AnyOperation;
  /** Fields of all parts. */
  readonly common: object;
  /** Further fields of the first part. */
  readonly first: object;
  /** Fields of the first part that are kept until the last one, whatever length they have. */
  readonly kept: Readonly<Record<string, (length: number) => object>>;
}

const all = withMask('Encrypt', 'Decrypt', 'MACGenerate', 'MACVerify');
const sha = { HashingAlgorithm: 'SHA_256' };
const hmac = { CryptographicAlgorithm: 'HMAC_SHA256' };
const rsa = { PaddingMethod: 'PKCS1V1_5', ...sha };
const cbc = { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' };
const bytes = (length: number) => new Uint8Array(length).fill(7);
const field = (name: string) => (length: number) => ({ [name]: bytes(length) });
const source = (parameters: object) => (length: number) => ({
  CryptographicParameters: { ...parameters, PSource: bytes(length) },
});

/** Makes keys and returns every operation that takes parts, in each way in which it keeps something. */
export async function streamKinds(
  service: TestService,
  ...attributes: readonly Attribute[]
): Promise<readonly StreamKind[]> {
  const key = { UniqueIdentifier: await registerKey(service, active, all, ...attributes) };
  const pair = await createPair(service, 'RSA');
  const edwards = await succeed(service, '2.1', CreateKeyPair, {
    CommonAttributes: having(algorithm('Ed25519'), active),
    PrivateKeyAttributes: having(withMask('Sign')),
    PublicKeyAttributes: having(withMask('Verify')),
  });
  const gcm = { CryptographicParameters: { BlockCipherMode: 'GCM' }, IVCounterNonce: bytes(12) };
  const block = { CryptographicParameters: cbc, IVCounterNonce: bytes(16) };
  const counter = { CryptographicParameters: { BlockCipherMode: 'CTR' }, IVCounterNonce: bytes(16) };
  const kind = (name: string, operation: AnyOperation, common: object, more: Partial<StreamKind> = {}) => ({
    ...{ name, operation, common, first: {}, kept: {} },
    ...more,
  });
  const tag = field('AuthenticatedEncryptionTag');
  const additional = field('AuthenticatedEncryptionAdditionalData');
  const signature = { SignatureData: field('SignatureData') };
  return [
    kind('Encrypt, GCM', Encrypt, key, { first: gcm }),
    kind('Encrypt, CBC', Encrypt, key, { first: block }),
    kind('Encrypt, CTR', Encrypt, key, { first: counter }),
    kind('Decrypt, GCM', Decrypt, key, { first: gcm, kept: { tag, additional } }),
    kind('Decrypt, CBC', Decrypt, key, { first: block, kept: { tag } }),
    kind('Decrypt, CTR', Decrypt, key, { first: counter, kept: { tag } }),
    kind('MAC', MAC, key, { first: { CryptographicParameters: hmac } }),
    kind('MAC Verify', MACVerify, key, {
      first: { CryptographicParameters: hmac },
      kept: { MACData: field('MACData') },
    }),
    kind(
      'Sign, RSA',
      Sign,
      { UniqueIdentifier: pair.id },
      {
        first: { CryptographicParameters: rsa },
        kept: { PSource: source(rsa) },
      },
    ),
    kind('Sign, Ed25519', Sign, { UniqueIdentifier: edwards.PrivateKeyUniqueIdentifier }),
    kind(
      'Signature Verify, RSA',
      SignatureVerify,
      { UniqueIdentifier: pair.publicId },
      {
        first: { CryptographicParameters: rsa },
        kept: { ...signature, PSource: source(rsa) },
      },
    ),
    kind(
      'Signature Verify, Ed25519',
      SignatureVerify,
      { UniqueIdentifier: edwards.PublicKeyUniqueIdentifier },
      {
        kept: signature,
      },
    ),
    kind('Hash', Hash, { CryptographicParameters: sha }),
  ];
}
