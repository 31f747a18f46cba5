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
import { asymmetric, bigInteger, gave, hex, Player, played, rsaKey } from './playing.ts';
import { type Vector, vectorsOf } from './vectors.ts';

const player = await Player.open(t);
type HashName = HashingAlgorithm & string;

function numbersOf(vector: Vector) {
  return {
    N: vector.bytes('N'),
    E: vector.bytes('E'),
    D: vector.maybe('D'),
    P: vector.maybe('P'),
    Q: vector.maybe('Q'),
  };
}

t.test('RSAES-OAEP', async (t) => {
  for (const vector of vectorsOf('oaep.txt')) {
    const { privateKey, publicKey } = rsaKey(numbersOf(vector));
    const secret = await player.key(privateKey, 'Decrypt');
    const open = await player.key(publicKey, 'Encrypt');
    const mask = vector.text('Mask') as HashName | undefined;
    const label = vector.maybe('Label');
    const CryptographicParameters: CryptographicParameters = {
      PaddingMethod: 'OAEP',
      HashingAlgorithm: vector.named<HashName>('Hash'),
      ...(mask === undefined ? {} : { MaskGenerator: 'MGF1', MaskGeneratorHashingAlgorithm: mask }),
      ...(label === undefined ? {} : { PSource: label }),
    };
    const Data = vector.bytes('Plain');
    for (const version of played) {
      const sealed = { CryptographicParameters, UniqueIdentifier: secret, Data: vector.bytes('Encrypted') };
      const opened = await player.play(version, Decrypt, sealed);
      t.equal(gave(opened, 'Data'), hex(Data), `${version} ${vector.name}`);
      const fresh = { CryptographicParameters, UniqueIdentifier: open, Data };
      const { payload } = await player.play(version, Encrypt, fresh);
      t.not(hex(payload['Data']), hex(sealed.Data), `${version} ${vector.name}: another seed`);
      const back = await player.play(version, Decrypt, { ...sealed, Data: payload['Data'] });
      t.equal(gave(back, 'Data'), hex(Data), `${version} ${vector.name}: its own`);
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
  const UniqueIdentifier = await player.key(publicKey, 'Verify');
  const secret = privateKey && (await player.key(privateKey, 'Sign'));
  const Data = vector.bytes('Message');
  const expected = vector.has('Result') ? 'Invalid' : 'Valid';
  const common = { CryptographicParameters: parameters };
  for (const version of played) {
    const name = `${version} ${vector.name} ${vector.text('Result') ?? ''}`;
    const request = { ...common, UniqueIdentifier, SignatureData: signature };
    const { reason, payload } = await player.play(version, SignatureVerify, { ...request, Data });
    t.equal(reason ?? payload['ValidityIndicator'], expected, name);
    const { last } = await player.inParts(version, SignatureVerify, { ...request, Data });
    t.equal(last['ValidityIndicator'], expected, `${name}: in parts`);
    if (digests) {
      const DigestedData = nodeCrypto.digest(parameters.HashingAlgorithm as HashingAlgorithm, Data);
      const digested = await player.play(version, SignatureVerify, { ...request, DigestedData });
      t.equal(digested.reason ?? digested.payload['ValidityIndicator'], expected, `${name}: its digest`);
    }
    if (secret === undefined) continue;
    const asked = { ...common, UniqueIdentifier: secret, Data };
    const made = await player.play(version, Sign, asked);
    t.equal(gave(made, 'SignatureData'), hex(signature), `${name}: made`);
    const parts = await player.inParts(version, Sign, asked);
    t.equal(hex(parts.last['SignatureData']), hex(signature), `${name}: made in parts`);
  }
}

t.test('RSA signatures', async (t) => {
  for (const vector of vectorsOf('rsa-signatures.txt')) {
    const { privateKey, publicKey } = rsaKey(numbersOf(vector));
    const padding = vector.named<PaddingMethod & string>('Padding');
    const salt = vector.text('Salt');
    await play(t, {
      vector,
      publicKey,
      privateKey: vector.has('D') && padding === 'PKCS1V1_5' ? privateKey : undefined,
      parameters: {
        PaddingMethod: padding,
        HashingAlgorithm: vector.named<HashName>('Hash'),
        ...(salt === undefined ? {} : { SaltLength: Number(salt) }),
      },
      signature: vector.bytes('Signature'),
      digests: true,
    });
  }
});

/** Curves whose signatures the server verifies from a digest. */
const digestible = ['P_224', 'P_256', 'P_384', 'P_521', 'SECP256K1'];

t.test('ECDSA and DSA', async (t) => {
  for (const vector of vectorsOf('curve-signatures.txt')) {
    const RecommendedCurve = vector.text('Curve');
    const number = (field: string) => bigInteger(vector.bytes(field));
    const publicKey =
      RecommendedCurve === undefined
        ? asymmetric(
            'PublicKey',
            'TransparentDSAPublicKey',
            { P: number('P'), Q: number('Q'), G: number('G'), Y: number('Y') },
            'DSA',
          )
        : asymmetric(
            'PublicKey',
            'TransparentECPublicKey',
            { RecommendedCurve, QString: vector.bytes('Point') },
            'ECDSA',
          );
    await play(t, {
      vector,
      publicKey,
      parameters: { HashingAlgorithm: vector.named<HashName>('Hash') },
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

t.test('EdDSA', async (t) => {
  for (const vector of vectorsOf('edwards-signatures.txt')) {
    const algorithm = vector.named<'Ed25519' | 'Ed448'>('Algorithm');
    const [secret, open] = edwards[algorithm].map((front) => Uint8Array.fromHex(front));
    const der = (front: Uint8Array | undefined, field: string) =>
      Uint8Array.from([...(front ?? []), ...vector.bytes(field)]);
    await play(t, {
      vector,
      publicKey: asymmetric('PublicKey', 'X_509', der(open, 'Public'), algorithm),
      privateKey: asymmetric('PrivateKey', 'PKCS_8', der(secret, 'Secret'), algorithm),
      parameters: {},
      signature: vector.bytes('Signature'),
      digests: false,
    });
  }
});

type Tap = { equal(a: unknown, b: unknown, message: string): unknown };
