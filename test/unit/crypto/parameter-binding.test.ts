import t from 'tap';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { combineParameters } from '../../../src/crypto/parameter-binding.ts';

type Parameters = CryptographicParameters;

/** Spellings of the same parameters, and of others. */
const rows: readonly (readonly [
  what: string,
  own: Parameters,
  same: readonly Parameters[],
  others: readonly Parameters[],
])[] = [
  [
    'IV Length in bytes',
    { IVLength: 12 },
    [{ IVLength: 12 }, { IVLength: 96 }],
    [{ IVLength: 16 }, { IVLength: 128 }],
  ],
  [
    'IV Length in bits',
    { IVLength: 128 },
    [{ IVLength: 16 }, { IVLength: 128 }],
    [{ IVLength: 12 }, { IVLength: 96 }],
  ],
  ['IV Length of DES', { IVLength: 8 }, [{ IVLength: 64 }], [{ IVLength: 16 }, { IVLength: 1 }]],
  ['Tag Length in bytes', { TagLength: 16 }, [{ TagLength: 128 }], [{ TagLength: 12 }, { TagLength: 96 }]],
  ['Tag Length in bits', { TagLength: 96 }, [{ TagLength: 12 }], [{ TagLength: 16 }, { TagLength: 128 }]],
  [
    'SHA-n with RSA Encryption',
    { DigitalSignatureAlgorithm: 'SHA_256WithRSAEncryption' },
    [
      { HashingAlgorithm: 'SHA_256' },
      { PaddingMethod: 'PKCS1V1_5' },
      { PaddingMethod: 'PKCS1V1_5', HashingAlgorithm: 'SHA_256' },
    ],
    [
      { HashingAlgorithm: 'SHA_512' },
      { PaddingMethod: 'PSS' },
      { DigitalSignatureAlgorithm: 'RSASSA_PSS' },
      { DigitalSignatureAlgorithm: 'SHA_512WithRSAEncryption' },
      { DigitalSignatureAlgorithm: 'ECDSAWithSHA256' },
    ],
  ],
  [
    'SHA-n with RSA Encryption and PSS',
    { DigitalSignatureAlgorithm: 'SHA_256WithRSAEncryption', PaddingMethod: 'PSS' },
    [
      { DigitalSignatureAlgorithm: 'SHA_256WithRSAEncryption' },
      { DigitalSignatureAlgorithm: 'RSASSA_PSS', HashingAlgorithm: 'SHA_256' },
      { PaddingMethod: 'PSS' },
    ],
    [
      { PaddingMethod: 'PKCS1V1_5' },
      { DigitalSignatureAlgorithm: 'RSASSA_PSS', HashingAlgorithm: 'SHA_512' },
    ],
  ],
  [
    'PSS and a hash',
    { PaddingMethod: 'PSS', HashingAlgorithm: 'SHA_256' },
    [
      { DigitalSignatureAlgorithm: 'RSASSA_PSS' },
      { DigitalSignatureAlgorithm: 'SHA_256WithRSAEncryption' },
      { DigitalSignatureAlgorithm: 'SHA_256WithRSAEncryption', PaddingMethod: 'PSS' },
    ],
    [{ DigitalSignatureAlgorithm: 'SHA_512WithRSAEncryption' }, { PaddingMethod: 'PKCS1V1_5' }],
  ],
  [
    'RSASSA-PSS',
    { DigitalSignatureAlgorithm: 'RSASSA_PSS' },
    [{ PaddingMethod: 'PSS' }, { HashingAlgorithm: 'SHA_512' }],
    [{ PaddingMethod: 'PKCS1V1_5' }, { DigitalSignatureAlgorithm: 'ECDSAWithSHA256' }],
  ],
  [
    'an HMAC',
    { CryptographicAlgorithm: 'HMAC_SHA256' },
    [{ HashingAlgorithm: 'SHA_256' }],
    [
      { HashingAlgorithm: 'SHA_512' },
      { CryptographicAlgorithm: 'HMAC_SHA512' },
      { CryptographicAlgorithm: 'AES' },
    ],
  ],
  [
    'a hash',
    { HashingAlgorithm: 'SHA_256' },
    [{ CryptographicAlgorithm: 'HMAC_SHA256' }, { CryptographicAlgorithm: 'AES' }],
    [{ CryptographicAlgorithm: 'HMAC_SHA512' }, { DigitalSignatureAlgorithm: 'ECDSAWithSHA384' }],
  ],
  [
    'the common name of curves',
    { CryptographicAlgorithm: 'EC' },
    [
      { CryptographicAlgorithm: 'ECDSA' },
      { CryptographicAlgorithm: 'ECDH' },
      { CryptographicAlgorithm: 'EC' },
    ],
    [{ CryptographicAlgorithm: 'RSA' }, { CryptographicAlgorithm: 'Ed25519' }],
  ],
  [
    'one name of curves',
    { CryptographicAlgorithm: 'ECDSA' },
    [{ CryptographicAlgorithm: 'EC' }],
    [{ CryptographicAlgorithm: 'ECDH' }],
  ],
  [
    'a label',
    { PSource: Uint8Array.of(1, 2) },
    [{ PSource: Uint8Array.of(1, 2) }],
    [{ PSource: Uint8Array.of(1) }],
  ],
];

t.test('parameters of a key bind in every spelling', async (t) => {
  for (const [what, own, same, others] of rows) {
    for (const requested of same) {
      const combined = combineParameters([own], requested);
      t.ok(combined, `${what}: ${JSON.stringify(requested)}`);
      for (const field of ['PaddingMethod', 'HashingAlgorithm', 'CryptographicAlgorithm'] as const) {
        if (own[field] !== undefined) t.equal(combined?.[field], own[field], 'that of the key');
      }
    }
    for (const requested of others)
      t.equal(combineParameters([own], requested), undefined, `${what}: ${JSON.stringify(requested)}`);
    t.equal(combineParameters([], others[0] ?? {}), others[0], 'a key without parameters binds nothing');
  }
});

t.test('a padding for encryption leaves no name of a signature', async (t) => {
  const own = { DigitalSignatureAlgorithm: 'SHA_256WithRSAEncryption' } as const;
  t.same(combineParameters([own], { PaddingMethod: 'OAEP' }), { ...own, PaddingMethod: 'OAEP' });
});

t.test('the length of a vector binds, in the only reading that makes sense', async (t) => {
  for (const [IVLength, bytes] of [
    [12, 12],
    [96, 12],
    [16, 16],
    [128, 16],
    [8, 8],
    [64, 8],
  ] as const) {
    const own = [{ IVLength }];
    t.ok(combineParameters(own, {}, bytes), `${IVLength}`);
    t.equal(combineParameters(own, {})?.IVLength, bytes * 8, `${IVLength}: bits for a vector of the server`);
    for (const other of [1, 7, 13, 64, 96, 128]) {
      t.equal(combineParameters(own, {}, other), undefined, `${IVLength}: a vector of ${other} bytes`);
    }
  }
});

t.test('of several sets the one counts that repeats most of the request and adds least', async (t) => {
  const cbc = { BlockCipherMode: 'CBC' } as const;
  const gcm = { BlockCipherMode: 'GCM' } as const;
  const short = { ...gcm, TagLength: 12 };
  const mac = { CryptographicAlgorithm: 'HMAC_SHA256' } as const;
  const sets = [cbc, short, gcm, mac];
  t.same(combineParameters(sets, {}), cbc, 'the first without a request');
  t.same(combineParameters(sets, { TagLength: undefined }), cbc, 'a field without value is none');
  t.same(combineParameters(sets, gcm), gcm);
  t.same(combineParameters(sets, { ...gcm, TagLength: 16 }), { ...gcm, TagLength: 16 });
  t.same(combineParameters(sets, { TagLength: 12 }), short);
  t.same(combineParameters(sets, mac), mac);
  t.same(combineParameters(sets, { RandomIV: true }), { ...cbc, RandomIV: true });
  t.equal(combineParameters([cbc, gcm], { BlockCipherMode: 'CTR' }), undefined);
  t.same(
    combineParameters([{ DigitalSignatureAlgorithm: 'RSASSA_PSS' }], {
      DigitalSignatureAlgorithm: 'SHA_512WithRSAEncryption',
    }),
    { DigitalSignatureAlgorithm: 'RSASSA_PSS', HashingAlgorithm: 'SHA_512' },
    'what only the replaced name states stays',
  );
});
