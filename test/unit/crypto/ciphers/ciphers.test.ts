import t from 'tap';
import type { CryptographicAlgorithm } from '../../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../../codec/structures/cryptographic-parameters.ts';
import { decrypt, encrypt } from '../../../../src/crypto/ciphers/encryption.ts';
import {
  CryptographyFailedError,
  InvalidParametersError,
  InvalidTagLengthError,
  MissingInputError,
  UnsupportedAlgorithmError,
} from '../../../../src/crypto/errors.ts';
import type { PlainKey } from '../../../../src/crypto/plain-key.ts';

function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));
}

function hex(value: Uint8Array | undefined): string {
  return Buffer.from(value ?? []).toString('hex');
}

function secret(algorithm: CryptographicAlgorithm, material: string): PlainKey {
  return {
    objectType: 'SymmetricKey',
    KeyFormatType: 'Raw',
    KeyMaterial: bytes(material),
    CryptographicAlgorithm: algorithm,
  };
}

interface Vector {
  readonly name: string;
  readonly key: PlainKey;
  readonly parameters: CryptographicParameters;
  readonly iv?: string;
  readonly additional?: string;
  readonly plain: string;
  readonly encrypted: string;
  readonly tag?: string;
}

const nist = secret('AES', '2b7e151628aed2a6abf7158809cf4f3c');
const nistPlain = '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51';
const counted = '000102030405060708090a0b0c0d0e0f';
const gcmKey = secret('AES', 'feffe9928665731c6d6a8f9467308308');
const gcmPlain =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39';
const gcmAdditional = 'feedfacedeadbeeffeedfacedeadbeefabaddad2';
const sunscreen = Buffer.from(
  "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
).toString('hex');

const vectors: Vector[] = [
  {
    name: 'SP 800-38A F.1.1, ECB',
    key: nist,
    parameters: { BlockCipherMode: 'ECB' },
    plain: nistPlain,
    encrypted: '3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf',
  },
  {
    name: 'SP 800-38A F.2.1, CBC',
    key: nist,
    parameters: { BlockCipherMode: 'CBC', PaddingMethod: 'None' },
    iv: counted,
    plain: nistPlain,
    encrypted: '7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2',
  },
  {
    name: 'SP 800-38A F.3.13, CFB128',
    key: nist,
    parameters: { BlockCipherMode: 'CFB' },
    iv: counted,
    plain: nistPlain,
    encrypted: '3b3fd92eb72dad20333449f8e83cfb4ac8a64537a0b3a93fcde3cdad9f1ce58b',
  },
  {
    name: 'SP 800-38A F.4.1, OFB',
    key: nist,
    parameters: { BlockCipherMode: 'OFB' },
    iv: counted,
    plain: nistPlain,
    encrypted: '3b3fd92eb72dad20333449f8e83cfb4a7789508d16918f03f53c52dac54ed825',
  },
  {
    name: 'SP 800-38A F.5.1, CTR, cut in the second block',
    key: nist,
    parameters: { BlockCipherMode: 'CTR' },
    iv: 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff',
    plain: nistPlain.slice(0, 40),
    encrypted: '874d6191b620e3261bef6864990db6ce9806f66b',
  },
  {
    name: 'IEEE 1619, vector 2, XTS',
    key: secret('AES', '1111111111111111111111111111111122222222222222222222222222222222'),
    parameters: { BlockCipherMode: 'XTS' },
    iv: '33333333330000000000000000000000',
    plain: '44'.repeat(32),
    encrypted: 'c454185e6a16936e39334038acef838bfb186fff7480adc4289382ecd6d394f0',
  },
  {
    name: 'RFC 3394 §4.6',
    key: secret('AES', '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'),
    parameters: { BlockCipherMode: 'NISTKeyWrap' },
    plain: '00112233445566778899aabbccddeeff000102030405060708090a0b0c0d0e0f',
    encrypted: '28c9f404c4b810f4cbccb35cfb87f8263f5786e2d80ed326cbc7f0e71a99f43bfb988b9b7a02dd21',
  },
  {
    name: 'RFC 5649 §6',
    key: secret('AES', '5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8'),
    parameters: { BlockCipherMode: 'AESKeyWrapPadding' },
    plain: '466f7250617369',
    encrypted: 'afbeb0f07dfbf5419200f2ccb50bb24f',
  },
  {
    name: 'GCM specification, case 4',
    key: gcmKey,
    parameters: { BlockCipherMode: 'GCM' },
    iv: 'cafebabefacedbaddecaf888',
    additional: gcmAdditional,
    plain: gcmPlain,
    encrypted:
      '42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091',
    tag: '5bc94fbc3221a5db94fae95ae7121a47',
  },
  {
    name: 'GCM specification, case 6: 60 bytes of vector; the tag cut to 12',
    key: gcmKey,
    parameters: { BlockCipherMode: 'GCM', TagLength: 12 },
    iv: '9313225df88406e555909c5aff5269aa6a7a9538534f7da1e4c303d2a318a728c3c0c95156809539fcf0e2429a6b525416aedbf5a0de6a57a637b39b',
    additional: gcmAdditional,
    plain: gcmPlain,
    encrypted:
      '8ce24998625615b603a033aca13fb894be9112a5c3a211a8ba262a3cca7e2ca701e4a9a4fba43c90ccdcb281d48c7c6fd62875d2aca417034c34aee5',
    tag: '619cc5aefffe0bfa462af43c',
  },
  {
    name: 'SP 800-38C example 4, CCM',
    key: secret('AES', '404142434445464748494a4b4c4d4e4f'),
    parameters: { BlockCipherMode: 'CCM', TagLength: 14 },
    iv: '101112131415161718191a1b1c',
    additional: Buffer.from(Uint8Array.from({ length: 65_536 }, (_, at) => at)).toString('hex'),
    plain: '202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f',
    encrypted: '69915dad1e84c6376a68c2967e4dab615ae0fd1faec44cc484828529463ccf72',
    tag: 'b4ac6bec93e8598e7f0dadbcea5b',
  },
  {
    name: 'RFC 8439 §2.8.2, ChaCha20-Poly1305',
    key: secret('ChaCha20Poly1305', '808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f'),
    parameters: { BlockCipherMode: 'AEAD', TagLength: 16 },
    iv: '070000004041424344454647',
    additional: '50515253c0c1c2c3c4c5c6c7',
    plain: sunscreen,
    encrypted: `d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6
      3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36
      92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
      3ff4def08e4b7a9de576d26586cec64b6116`,
    tag: '1ae10b594f09e26a7e902ecbd0600691',
  },
  {
    name: 'RFC 8439 §2.4.2, ChaCha20 from counter 1',
    key: secret('ChaCha20', '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f'),
    parameters: { InitialCounterValue: 1 },
    iv: '000000000000004a00000000',
    plain: sunscreen,
    encrypted: `6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0b
      f91b65c5524733ab8f593dabcd62b3571639d624e65152ab8f530c359f0861d8
      07ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab7793736
      5af90bbf74a35be6b40b8eedf2785e42874d`,
  },
  {
    name: 'SP 800-67 appendix B, 3DES with three keys',
    key: secret('DES3', '0123456789abcdef23456789abcdef01456789abcdef0123'),
    parameters: { BlockCipherMode: 'ECB' },
    plain: '54686520717566636b2062726f776e20666f78206a756d70',
    encrypted: 'a826fd8ce53b855fcce21c8112256fe668d5c05dd9b6b900',
  },
  {
    name: 'RFC 3713, Camellia',
    key: secret('Camellia', '0123456789abcdeffedcba9876543210'),
    parameters: { BlockCipherMode: 'ECB' },
    plain: '0123456789abcdeffedcba9876543210',
    encrypted: '67673138549669730857065648eabe43',
  },
];

t.test('published vectors encrypt and decrypt as published', async (t) => {
  for (const { name, key, parameters, iv, additional, plain, encrypted, tag } of vectors) {
    const common = {
      ...(iv === undefined ? {} : { iv: bytes(iv) }),
      ...(additional === undefined ? {} : { additionalData: bytes(additional) }),
    };
    const made = encrypt(key, parameters, { data: bytes(plain), ...common });
    t.equal(hex(made.data), hex(bytes(encrypted)), name);
    t.equal(hex(made.tag), tag ?? '', `${name}: tag`);
    t.equal(made.iv, undefined, `${name}: the client's vector does not come back`);
    const back = decrypt(key, parameters, { data: made.data, tag: made.tag, ...common });
    t.equal(hex(back), plain, `${name}: decrypted`);
    const appended = bytes(hex(made.data) + hex(made.tag));
    t.equal(
      hex(decrypt(key, parameters, { data: appended, tag: 'appended', ...common })),
      plain,
      `${name}: tag appended`,
    );
  }
});

const aes = secret('AES', '00'.repeat(32));

t.test('an Initialization Vector is generated and returned when none is given', async (t) => {
  const cases: [PlainKey, CryptographicParameters, number][] = [
    [aes, { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' }, 16],
    [aes, { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5', RandomIV: true, IVLength: 128 }, 16],
    [aes, { BlockCipherMode: 'CTR' }, 16],
    [aes, { BlockCipherMode: 'GCM', RandomIV: true }, 12],
    [aes, { BlockCipherMode: 'GCM', IVLength: 128 }, 16],
    [aes, { BlockCipherMode: 'CCM' }, 12],
    [secret('DES3', '01'.repeat(24)), { BlockCipherMode: 'CBC', PaddingMethod: 'PKCS5' }, 8],
    [secret('ChaCha20', '00'.repeat(32)), {}, 12],
    [secret('ChaCha20Poly1305', '00'.repeat(32)), {}, 12],
  ];
  const data = bytes('00112233');
  for (const [key, parameters, length] of cases) {
    const name = `${key.CryptographicAlgorithm} ${parameters.BlockCipherMode}`;
    const [one, other] = [encrypt(key, parameters, { data }), encrypt(key, parameters, { data })];
    t.equal(one.iv?.length, length, name);
    t.not(hex(one.iv), hex(other.iv), name);
    t.equal(hex(decrypt(key, parameters, one)), hex(data), name);
    t.throws(
      () => decrypt(key, parameters, { data: one.data, tag: one.tag }),
      MissingInputError,
      `${name}: without it`,
    );
  }
  t.equal(
    encrypt(aes, { BlockCipherMode: 'ECB' }, { data: new Uint8Array(16) }).iv,
    undefined,
    'ECB has none',
  );
});

t.test('padding adds at least one byte, and every length decrypts to itself', async (t) => {
  for (const padding of ['PKCS5', 'ANSIX9_23', 'ISO10126'] as const) {
    for (let length = 0; length <= 33; length += 1) {
      const data = new Uint8Array(length).fill(length);
      const parameters = { BlockCipherMode: 'ECB', PaddingMethod: padding } as const;
      const encrypted = encrypt(aes, parameters, { data });
      t.equal(encrypted.data.length, (Math.floor(length / 16) + 1) * 16);
      t.equal(hex(decrypt(aes, parameters, encrypted)), hex(data), `${padding} ${length}`);
    }
  }
});

t.test('every fault of encrypted data leads to the same error', async (t) => {
  const plainBlock = (tail: string, digits = 32) =>
    encrypt(aes, { BlockCipherMode: 'ECB' }, { data: bytes(tail.padStart(digits, '0')) }).data;
  const ecb = (PaddingMethod: 'PKCS5' | 'ANSIX9_23' | 'ISO10126') =>
    ({ BlockCipherMode: 'ECB', PaddingMethod }) as const;
  const iv = new Uint8Array(12);
  const gcm = encrypt(aes, { BlockCipherMode: 'GCM' }, { data: bytes('0011'), iv });
  const flipped = (value: Uint8Array | undefined) =>
    bytes(hex(value)).map((byte, at) => (at === 0 ? byte ^ 1 : byte));
  const cases: [string, CryptographicParameters, Parameters<typeof decrypt>[2]][] = [
    ['PKCS5 of 0', ecb('PKCS5'), { data: plainBlock('00') }],
    ['PKCS5 of 17', ecb('PKCS5'), { data: plainBlock('11') }],
    ['PKCS5, the first of four wrong', ecb('PKCS5'), { data: plainBlock('03040404') }],
    ['PKCS5, the third of four wrong', ecb('PKCS5'), { data: plainBlock('04040304') }],
    ['ANSI X9.23 with one wrong byte', ecb('ANSIX9_23'), { data: plainBlock('01000004') }],
    ['ISO 10126 of 17 in two blocks', ecb('ISO10126'), { data: plainBlock('11', 64) }],
    ['ANSI X9.23 of 17 in two blocks', ecb('ANSIX9_23'), { data: plainBlock('11', 64) }],
    ['no block at all', ecb('PKCS5'), { data: new Uint8Array() }],
    ['half a block', ecb('PKCS5'), { data: new Uint8Array(8) }],
    ['half a block without padding', { BlockCipherMode: 'ECB' }, { data: new Uint8Array(8) }],
    ['a wrong tag', { BlockCipherMode: 'GCM' }, { data: gcm.data, iv, tag: flipped(gcm.tag) }],
    ['a short tag', { BlockCipherMode: 'GCM' }, { data: gcm.data, iv, tag: gcm.tag?.subarray(0, 12) }],
    ['wrong data', { BlockCipherMode: 'GCM' }, { data: flipped(gcm.data), iv, tag: gcm.tag }],
    ['a wrong vector', { BlockCipherMode: 'GCM' }, { data: gcm.data, iv: flipped(iv), tag: gcm.tag }],
    ['additional data', { BlockCipherMode: 'GCM' }, { data: gcm.data, iv, tag: gcm.tag, additionalData: iv }],
    ['less data than a tag', { BlockCipherMode: 'GCM' }, { data: gcm.data, iv, tag: 'appended' }],
  ];
  for (const [name, parameters, sealed] of cases) {
    t.throws(
      () => decrypt(aes, parameters, sealed),
      { name: 'CryptographyFailedError', message: 'the data cannot be decrypted' },
      name,
    );
  }
});

t.test('ciphers refuse wrong parameters', async (t) => {
  const data = new Uint8Array(16);
  const iv = new Uint8Array(16);
  const chacha = secret('ChaCha20', '00'.repeat(32));
  const cases: [string, new (message: string) => Error, PlainKey, CryptographicParameters, Uint8Array?][] = [
    ['no mode', InvalidParametersError, aes, {}],
    ['a mode that is not offered', UnsupportedAlgorithmError, aes, { BlockCipherMode: 'PCBC' }],
    ['half a key for XTS', UnsupportedAlgorithmError, nist, { BlockCipherMode: 'XTS' }],
    ['a vector for key wrap', InvalidParametersError, nist, { BlockCipherMode: 'NISTKeyWrap' }, iv],
    ['key wrap with another cipher', UnsupportedAlgorithmError, chacha, { BlockCipherMode: 'NISTKeyWrap' }],
    ['3DES in GCM', UnsupportedAlgorithmError, secret('DES3', '01'.repeat(24)), { BlockCipherMode: 'GCM' }],
    ['single DES', UnsupportedAlgorithmError, secret('DES', '01'.repeat(8)), { BlockCipherMode: 'ECB' }],
    [
      'another algorithm',
      InvalidParametersError,
      aes,
      { BlockCipherMode: 'ECB', CryptographicAlgorithm: 'DES3' },
    ],
    ['zeros as padding', UnsupportedAlgorithmError, aes, { BlockCipherMode: 'ECB', PaddingMethod: 'Zeros' }],
    ['padding of a stream', InvalidParametersError, aes, { BlockCipherMode: 'CTR', PaddingMethod: 'PKCS5' }],
    ['a vector too short', InvalidParametersError, aes, { BlockCipherMode: 'CBC' }, iv.subarray(1)],
    ['a vector unlike IVLength', InvalidParametersError, aes, { BlockCipherMode: 'GCM', IVLength: 96 }, iv],
    ['a vector too short to make', InvalidParametersError, aes, { BlockCipherMode: 'GCM', IVLength: 64 }],
    [
      'a counter of the client',
      UnsupportedAlgorithmError,
      aes,
      { BlockCipherMode: 'CTR', CounterLength: 32 },
      iv,
    ],
    ['a nonce of 10 bytes', InvalidParametersError, chacha, {}, iv.subarray(6)],
    ['a mode for ChaCha20', UnsupportedAlgorithmError, chacha, { BlockCipherMode: 'AEAD' }],
    ['a tag of 1 byte', InvalidTagLengthError, aes, { BlockCipherMode: 'GCM', TagLength: 1 }],
    ['a tag of 32 bytes', InvalidTagLengthError, aes, { BlockCipherMode: 'GCM', TagLength: 32 }],
    ['half a block', CryptographyFailedError, aes, { BlockCipherMode: 'ECB' }],
  ];
  for (const [name, error, key, parameters, vector] of cases) {
    const plain = name === 'half a block' ? data.subarray(8) : data;
    t.throws(() => encrypt(key, parameters, { data: plain, iv: vector }), error, name);
  }
  const needsTag = { BlockCipherMode: 'GCM' } as const;
  t.throws(() => decrypt(aes, needsTag, { data, iv: iv.subarray(4) }), MissingInputError, 'no tag');
  const plainMode = { BlockCipherMode: 'CTR' } as const;
  t.throws(
    () => encrypt(aes, plainMode, { data, iv, additionalData: data }),
    InvalidParametersError,
    'additional data in CTR',
  );
});
