import t from 'tap';
import type { HashingAlgorithm, PaddingMethod } from '../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { encodeDer, makeInteger, makeSequence, stripZeros } from '../../../src/crypto/asn1/der.ts';
import { nodeCrypto } from '../../../src/crypto/node/node.ts';
import { Decrypt } from '../../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { Sign } from '../../../src/operations/cryptography/sign.ts';
import { SignatureVerify } from '../../../src/operations/cryptography/signature-verify.ts';
import {
  asymmetricKey,
  bigInteger,
  fieldOf,
  hex,
  rsaKey,
  testedVersions,
  VectorClient,
} from './vector-client.ts';
import { readVectors, type Vector } from './vectors.ts';

const client = await VectorClient.open(t);
type HashName = HashingAlgorithm & string;

function numbersOf(vector: Vector) {
  return {
    N: vector.bytes('N'),
    E: vector.bytes('E'),
    D: vector.optionalBytes('D'),
    P: vector.optionalBytes('P'),
    Q: vector.optionalBytes('Q'),
  };
}

t.test('RSAES-OAEP decrypts published ciphertexts', async (t) => {
  for (const vector of readVectors('oaep.txt')) {
    const { privateKey, publicKey } = rsaKey(numbersOf(vector));
    const secret = await client.registerKey(privateKey, 'Decrypt');
    const open = await client.registerKey(publicKey, 'Encrypt');
    const mask = vector.text('Mask') as HashName | undefined;
    const label = vector.optionalBytes('Label');
    const CryptographicParameters: CryptographicParameters = {
      PaddingMethod: 'OAEP',
      HashingAlgorithm: vector.requireText<HashName>('Hash'),
      ...(mask === undefined ? {} : { MaskGenerator: 'MGF1', MaskGeneratorHashingAlgorithm: mask }),
      ...(label === undefined ? {} : { PSource: label }),
    };
    const Data = vector.bytes('Plain');
    for (const version of testedVersions) {
      const sealed = { CryptographicParameters, UniqueIdentifier: secret, Data: vector.bytes('Encrypted') };
      const opened = await client.request(version, Decrypt, sealed);
      t.equal(fieldOf(opened, 'Data'), hex(Data), `${version} ${vector.name}`);
      const fresh = { CryptographicParameters, UniqueIdentifier: open, Data };
      const { payload } = await client.request(version, Encrypt, fresh);
      t.not(hex(payload['Data']), hex(sealed.Data), `${version} ${vector.name}: another seed`);
      const back = await client.request(version, Decrypt, { ...sealed, Data: payload['Data'] });
      t.equal(fieldOf(back, 'Data'), hex(Data), `${version} ${vector.name}: its own`);
    }
  }
});

interface Signed {
  readonly vector: Vector;
  readonly publicKey: ManagedObjectValue;
  readonly privateKey?: ManagedObjectValue | undefined;
  readonly parameters: CryptographicParameters;
  readonly signature: Uint8Array;
  /** Whether the digest may stand for the data. */
  readonly digests: boolean;
}

async function play(t: Tap, { vector, publicKey, privateKey, parameters, signature, digests }: Signed) {
  const registered = client.registerKey(publicKey, 'Verify');
  if (vector.text('Result')?.endsWith(': Y changed')) {
    await t.rejects(registered, /Y is not in the subgroup/, vector.name);
    return;
  }
  const UniqueIdentifier = await registered;
  const secret = privateKey && (await client.registerKey(privateKey, 'Sign'));
  const Data = vector.bytes('Message');
  const expected = vector.has('Result') ? 'Invalid' : 'Valid';
  const common = { CryptographicParameters: parameters };
  for (const version of testedVersions) {
    const name = `${version} ${vector.name} ${vector.text('Result') ?? ''}`;
    const request = { ...common, UniqueIdentifier, SignatureData: signature };
    const { reason, payload } = await client.request(version, SignatureVerify, { ...request, Data });
    t.equal(reason ?? payload['ValidityIndicator'], expected, name);
    const { last } = await client.requestInParts(version, SignatureVerify, { ...request, Data });
    t.equal(last['ValidityIndicator'], expected, `${name}: in parts`);
    if (digests) {
      const DigestedData = nodeCrypto.digest(parameters.HashingAlgorithm as HashingAlgorithm, Data);
      const digested = await client.request(version, SignatureVerify, { ...request, DigestedData });
      t.equal(digested.reason ?? digested.payload['ValidityIndicator'], expected, `${name}: its digest`);
    }
    if (secret === undefined) continue;
    const asked = { ...common, UniqueIdentifier: secret, Data };
    const made = await client.request(version, Sign, asked);
    t.equal(fieldOf(made, 'SignatureData'), hex(signature), `${name}: made`);
    const parts = await client.requestInParts(version, Sign, asked);
    t.equal(hex(parts.last['SignatureData']), hex(signature), `${name}: made in parts`);
  }
}

t.test('RSA signatures verify as published', async (t) => {
  for (const vector of readVectors('rsa-signatures.txt')) {
    const { privateKey, publicKey } = rsaKey(numbersOf(vector));
    const padding = vector.requireText<PaddingMethod & string>('Padding');
    const salt = vector.text('Salt');
    await play(t, {
      vector,
      publicKey,
      privateKey: vector.has('D') && padding === 'PKCS1V1_5' ? privateKey : undefined,
      parameters: {
        PaddingMethod: padding,
        HashingAlgorithm: vector.requireText<HashName>('Hash'),
        ...(salt === undefined ? {} : { SaltLength: Number(salt) }),
      },
      signature: vector.bytes('Signature'),
      digests: true,
    });
  }
});

/** Curves whose signatures the server verifies from a digest. */
const digestible = ['P_224', 'P_256', 'P_384', 'P_521', 'SECP256K1'];

t.test('ECDSA and DSA signatures verify as published', async (t) => {
  for (const vector of readVectors('curve-signatures.txt')) {
    const RecommendedCurve = vector.text('Curve');
    const number = (field: string) => bigInteger(vector.bytes(field));
    const publicKey =
      RecommendedCurve === undefined
        ? asymmetricKey(
            'PublicKey',
            'TransparentDSAPublicKey',
            { P: number('P'), Q: number('Q'), G: number('G'), Y: number('Y') },
            'DSA',
          )
        : asymmetricKey(
            'PublicKey',
            'TransparentECPublicKey',
            { RecommendedCurve, QString: vector.bytes('Point') },
            'ECDSA',
          );
    await play(t, {
      vector,
      publicKey,
      parameters: { HashingAlgorithm: vector.requireText<HashName>('Hash') },
      signature: derOf(vector),
      digests: RecommendedCurve === undefined || digestible.includes(RecommendedCurve),
    });
  }
});

function derOf(vector: Vector): Uint8Array {
  const [r, s] = [vector.bytes('R'), vector.bytes('S')].map((each) => makeInteger(stripZeros(each)));
  return encodeDer(makeSequence(r as never, s as never));
}

/** RFC 8410: what stands before the bytes of a private key, and of a public one. */
const edwards = {
  Ed25519: ['302e020100300506032b657004220420', '302a300506032b6570032100'],
  Ed448: ['3047020100300506032b6571043b0439', '3043300506032b6571033a00'],
} as const;

t.test('EdDSA signatures are made and verified as published', async (t) => {
  for (const vector of readVectors('edwards-signatures.txt')) {
    const algorithm = vector.requireText<'Ed25519' | 'Ed448'>('Algorithm');
    const [secret, open] = edwards[algorithm].map((front) => Uint8Array.fromHex(front));
    const der = (front: Uint8Array | undefined, field: string) =>
      Uint8Array.from([...(front ?? []), ...vector.bytes(field)]);
    await play(t, {
      vector,
      publicKey: asymmetricKey('PublicKey', 'X_509', der(open, 'Public'), algorithm),
      privateKey: asymmetricKey('PrivateKey', 'PKCS_8', der(secret, 'Secret'), algorithm),
      parameters: {},
      signature: vector.bytes('Signature'),
      digests: false,
    });
  }
});

type Tap = {
  equal(a: unknown, b: unknown, message: string): unknown;
  rejects(promise: Promise<unknown>, message: RegExp, name: string): Promise<unknown>;
};
