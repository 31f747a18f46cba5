import { createHash, createPublicKey, generateKeyPairSync, verify as verifyNative } from 'node:crypto';
import t from 'tap';
import type { HashingAlgorithm } from '../../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../../codec/structures/cryptographic-parameters.ts';
import {
  CryptographyFailedError,
  InvalidParametersError,
  UnsupportedAlgorithmError,
} from '../../../../src/crypto/errors.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import type { PlainKey } from '../../../../src/crypto/plain-key.ts';
import type { GeneratedKeyPair, KeyPairRequest } from '../../../../src/crypto/provider.ts';

const { sign, verify, generateKeyPair } = nodeCrypto;

interface Pair {
  readonly privateKey: PlainKey;
  readonly publicKey: PlainKey;
}

function plain({ privateKey, publicKey }: GeneratedKeyPair): Pair {
  return {
    privateKey: { objectType: 'PrivateKey', KeyFormatType: 'PKCS_8', KeyMaterial: privateKey },
    publicKey: { objectType: 'PublicKey', KeyFormatType: 'X_509', KeyMaterial: publicKey },
  };
}

async function generate(request: KeyPairRequest): Promise<Pair> {
  return plain(await generateKeyPair(request));
}

const data = new TextEncoder().encode('to be signed');
const digestOf = (name: string): Uint8Array => new Uint8Array(createHash(name).update(data).digest());

const rsa = await generate({ algorithm: 'RSA', bits: 2048 });
/** A modulus whose size leaves a whole byte of the block unused. */
const odd = generateKeyPairSync('rsa', {
  modulusLength: 2049,
  publicKeyEncoding: { type: 'spki', format: 'der' },
  privateKeyEncoding: { type: 'pkcs8', format: 'der' },
});
const rsaOdd = plain({ ...odd, bits: 2049 });
const p256 = await generate({ algorithm: 'EC', curve: 'P_256' });
const dsa = await generate({ algorithm: 'DSA', bits: 2048 });

const pss: CryptographicParameters = { PaddingMethod: 'PSS', HashingAlgorithm: 'SHA_256' };

t.test('data and its digest have the same signatures', async (t) => {
  const cases: [string, Pair, CryptographicParameters, HashingAlgorithm, string][] = [
    ['PKCS #1 v1.5', rsa, { PaddingMethod: 'PKCS1V1_5', HashingAlgorithm: 'SHA_256' }, 'SHA_256', 'sha256'],
    [
      'PKCS #1 v1.5 by name',
      rsa,
      { DigitalSignatureAlgorithm: 'SHA3_512WithRSAEncryption' },
      'SHA3_512',
      'sha3-512',
    ],
    ['PKCS #1 v1.5 by default', rsa, { HashingAlgorithm: 'SHA_1' }, 'SHA_1', 'sha1'],
    ['PSS', rsa, pss, 'SHA_256', 'sha256'],
    [
      'PSS by name',
      rsa,
      { DigitalSignatureAlgorithm: 'RSASSA_PSS', HashingAlgorithm: 'SHA_512' },
      'SHA_512',
      'sha512',
    ],
    ['PSS, salt of 222', rsa, { ...pss, SaltLength: 222 }, 'SHA_256', 'sha256'],
    ['PSS, no salt', rsa, { ...pss, SaltLength: 0, TrailerField: 1 }, 'SHA_256', 'sha256'],
    ['PSS, another mask', rsa, { ...pss, MaskGeneratorHashingAlgorithm: 'SHA_1' }, 'SHA_256', 'sha256'],
    ['PSS, 2049 bits', rsaOdd, pss, 'SHA_256', 'sha256'],
    [
      'PSS, 2049 bits, another mask',
      rsaOdd,
      { ...pss, MaskGeneratorHashingAlgorithm: 'SHA_512' },
      'SHA_256',
      'sha256',
    ],
    ['DSA', dsa, { DigitalSignatureAlgorithm: 'DSAWithSHA256' }, 'SHA_256', 'sha256'],
    ['DSA, a longer hash', dsa, { HashingAlgorithm: 'SHA_512' }, 'SHA_512', 'sha512'],
  ];
  for (const curve of ['P_224', 'P_256', 'P_384', 'P_521', 'SECP256K1'] as const) {
    const pair = await generate({ algorithm: 'ECDSA', curve });
    for (const [hash, name] of [
      ['SHA_1', 'sha1'],
      ['SHA_256', 'sha256'],
      ['SHA_512', 'sha512'],
    ] as const) {
      cases.push([`ECDSA ${curve} ${hash}`, pair, { HashingAlgorithm: hash }, hash, name]);
    }
  }
  for (const [name, { privateKey, publicKey }, parameters, , hash] of cases) {
    const messages = [{ data }, { digest: digestOf(hash) }];
    const wrong = [
      { data: data.subarray(1) },
      { digest: digestOf(hash).map((byte, at) => (at === 0 ? byte ^ 1 : byte)) },
    ];
    for (const signed of messages) {
      const signature = await sign(privateKey, parameters, signed);
      const what = `${name}: ${Object.keys(signed)[0]}`;
      for (const message of messages) {
        t.ok(
          await verify(publicKey, parameters, message, signature),
          `${what} verified as ${Object.keys(message)[0]}`,
        );
      }
      for (const message of wrong)
        t.notOk(await verify(publicKey, parameters, message, signature), `${what}: another message`);
      const changed = signature.map((byte, at) => (at === signature.length - 1 ? byte ^ 1 : byte));
      for (const message of messages)
        t.notOk(await verify(publicKey, parameters, message, changed), `${what}: changed`);
    }
  }
});

t.test('bytes that are no signature are invalid, not an error', async (t) => {
  const digest = digestOf('sha256');
  const empty = new Uint8Array();
  const integer = (value: number) => [2, 1, value];
  const zeroes = Uint8Array.from([0x30, 6, ...integer(0), ...integer(0)]);
  for (const { publicKey } of [rsa, p256, dsa]) {
    for (const parameters of publicKey === rsa.publicKey
      ? [pss, { HashingAlgorithm: 'SHA_256' } as const]
      : [{ HashingAlgorithm: 'SHA_256' } as const]) {
      for (const message of [{ data }, { digest }]) {
        for (const signature of [
          empty,
          zeroes,
          new Uint8Array(256),
          new Uint8Array(256).fill(0xff),
          new Uint8Array(300),
        ]) {
          t.equal(await verify(publicKey, parameters, message, signature), false);
        }
      }
    }
  }
});

t.test('digests of an unstated hash are signed with PKCS #1 v1.5', async (t) => {
  const digest = Uint8Array.from({ length: 16 }, (_, at) => at + 1);
  const cases: [Pair, CryptographicParameters][] = [
    [rsa, { CryptographicAlgorithm: 'RSA' }],
    [p256, { CryptographicAlgorithm: 'ECDSA' }],
    [dsa, {}],
  ];
  for (const [{ privateKey, publicKey }, parameters] of cases) {
    const signature = await sign(privateKey, parameters, { digest });
    t.ok(await verify(publicKey, parameters, { digest }, signature));
    t.notOk(await verify(publicKey, parameters, { digest: digest.subarray(1) }, signature));
  }
});

t.test('two signatures of one digest share no number', async (t) => {
  const rOf = (signature: Uint8Array) =>
    Buffer.from(signature.subarray(4, 4 + (signature[3] as number))).toString('hex');
  const digest = digestOf('sha256');
  const seen = new Set<string>();
  for (let round = 0; round < 20; round += 1) seen.add(rOf(await sign(p256.privateKey, {}, { digest })));
  t.equal(seen.size, 20);
});

t.test('EdDSA signs data and refuses digests', async (t) => {
  for (const algorithm of ['Ed25519', 'Ed448'] as const) {
    const generated = await generateKeyPair({ algorithm });
    const { privateKey, publicKey } = plain(generated);
    const signature = await sign(privateKey, {}, { data });
    t.ok(await verify(publicKey, { CryptographicAlgorithm: algorithm }, { data }, signature), algorithm);
    t.notOk(await verify(publicKey, {}, { data: data.subarray(1) }, signature), algorithm);
    const node = createPublicKey({ key: Buffer.from(generated.publicKey), format: 'der', type: 'spki' });
    t.ok(verifyNative(null, data, node, signature), `${algorithm}: node:crypto agrees`);
    await t.rejects(sign(privateKey, {}, { digest: data }), UnsupportedAlgorithmError);
  }
});

t.test('PSS verifies the stated salt length, or any', async (t) => {
  const signature = await sign(rsa.privateKey, { ...pss, SaltLength: 222 }, { data });
  for (const message of [{ data }, { digest: digestOf('sha256') }]) {
    t.ok(await verify(rsa.publicKey, pss, message, signature));
    t.notOk(await verify(rsa.publicKey, { ...pss, SaltLength: 32 }, message, signature));
  }
});

t.test('a signature of another algorithm is not valid', async (t) => {
  const signature = await sign(p256.privateKey, { HashingAlgorithm: 'SHA_256' }, { data });
  t.notOk(await verify(p256.publicKey, { ...pss, CryptographicAlgorithm: 'RSA' }, { data }, signature));
});

t.test('sign and verify refuse wrong parameters', async (t) => {
  const digest = digestOf('sha256');
  const agreement = await generate({ algorithm: 'DH', bits: 2048 });
  const binary = await generate({ algorithm: 'EC', curve: 'B_283' });
  const cases: [
    string,
    new (message: string) => Error,
    Pair,
    CryptographicParameters,
    Parameters<typeof sign>[2],
  ][] = [
    ['data without a hash', InvalidParametersError, p256, {}, { data }],
    ['PSS without a hash', InvalidParametersError, rsa, { PaddingMethod: 'PSS' }, { digest }],
    ['a digest of another length', InvalidParametersError, p256, { HashingAlgorithm: 'SHA_512' }, { digest }],
    [
      'another algorithm',
      InvalidParametersError,
      p256,
      { CryptographicAlgorithm: 'RSA', HashingAlgorithm: 'SHA_256' },
      { data },
    ],
    [
      'a name of another algorithm',
      InvalidParametersError,
      p256,
      { DigitalSignatureAlgorithm: 'DSAWithSHA256' },
      { data },
    ],
    [
      'two hashes',
      InvalidParametersError,
      rsa,
      { DigitalSignatureAlgorithm: 'SHA_256WithRSAEncryption', HashingAlgorithm: 'SHA_1' },
      { data },
    ],
    ['MD2', UnsupportedAlgorithmError, rsa, { DigitalSignatureAlgorithm: 'MD2WithRSAEncryption' }, { data }],
    [
      'another padding',
      UnsupportedAlgorithmError,
      rsa,
      { PaddingMethod: 'X9_31', HashingAlgorithm: 'SHA_256' },
      { data },
    ],
    ['another trailer', UnsupportedAlgorithmError, rsa, { ...pss, TrailerField: 2 }, { data }],
    ['a salt too long', CryptographyFailedError, rsa, { ...pss, SaltLength: 223 }, { data }],
    ['a salt too long, from a digest', CryptographyFailedError, rsa, { ...pss, SaltLength: 223 }, { digest }],
    ['a key for agreement', UnsupportedAlgorithmError, agreement, { HashingAlgorithm: 'SHA_256' }, { data }],
    ['a digest on a binary curve', UnsupportedAlgorithmError, binary, {}, { digest }],
  ];
  for (const [name, error, { privateKey }, parameters, message] of cases) {
    await t.rejects(sign(privateKey, parameters, message), error, name);
  }
});

t.test('numbers of any size take little time', async (t) => {
  const long = new Uint8Array(500_000).fill(1);
  const begin = performance.now();
  for (const { privateKey, publicKey } of [p256, dsa, rsa]) {
    const signature = await sign(privateKey, {}, { digest: long.subarray(0, 32) });
    t.notOk(await verify(publicKey, {}, { digest: long.subarray(0, 32) }, long));
    // Short enough to be read as DER, a SEQUENCE of one INTEGER of 120,000 bytes.
    const integer = [2, 0x83, 0x01, 0xd4, 0xc0, ...long.subarray(0, 120_000)];
    const made = Uint8Array.from([0x30, 0x83, 0x01, 0xd4, 0xc5, ...integer]);
    t.notOk(await verify(publicKey, {}, { digest: long.subarray(0, 32) }, made));
    const asSigned = await verify(publicKey, {}, { digest: long }, signature);
    // The leftmost bits of both digests are the same.
    t.equal(asSigned, publicKey !== rsa.publicKey);
  }
  const KeyMaterial = { P: long, Q: long, G: long, Y: long };
  const huge: PlainKey = { objectType: 'PublicKey', KeyFormatType: 'TransparentDSAPublicKey', KeyMaterial };
  const signature = await sign(dsa.privateKey, {}, { digest: long.subarray(0, 32) });
  await t.rejects(verify(huge, {}, { digest: long }, signature), UnsupportedAlgorithmError);
  t.ok(performance.now() - begin < 2_000, 'quickly');
});
