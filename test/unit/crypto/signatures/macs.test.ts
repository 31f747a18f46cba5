import t from 'tap';
import type { CryptographicAlgorithm } from '../../../../codec/enums.ts';
import type { CryptographicParameters } from '../../../../codec/structures/cryptographic-parameters.ts';
import { InvalidParametersError, UnsupportedAlgorithmError } from '../../../../src/crypto/errors.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import type { PlainKey } from '../../../../src/crypto/plain-key.ts';

const { mac, verifyMac } = nodeCrypto;

function secret(algorithm: CryptographicAlgorithm, hex: string): PlainKey {
  const KeyMaterial = new Uint8Array(Buffer.from(hex, 'hex'));
  return { objectType: 'SymmetricKey', KeyFormatType: 'Raw', KeyMaterial, CryptographicAlgorithm: algorithm };
}

const jefe = '4a656665';
const question = Buffer.from('what do ya want for nothing?').toString('hex');
const aes = secret('AES', '2b7e151628aed2a6abf7158809cf4f3c');

const vectors: [string, PlainKey, CryptographicParameters, string, string][] = [
  [
    'RFC 4231 case 2, SHA-256',
    secret('HMAC_SHA256', jefe),
    {},
    question,
    '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
  ],
  [
    'RFC 4231 case 2, SHA-224, named by the parameters',
    secret('AES', jefe),
    { CryptographicAlgorithm: 'HMAC_SHA224' },
    question,
    'a30e01098bc6dbbf45690f3a7e9e6d0f8bbea2a39e6148008fd05e44',
  ],
  [
    'RFC 2202 case 2, SHA-1',
    secret('HMAC_SHA1', jefe),
    {},
    question,
    'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79',
  ],
  ['RFC 4493, no data', aes, {}, '', 'bb1d6929e95937287fa37d129b756746'],
  [
    'RFC 4493, one block',
    aes,
    { BlockCipherMode: 'CMAC' },
    '6bc1bee22e409f96e93d7e117393172a',
    '070a16b46b4d4144f79bdd9dd04a287c',
  ],
  [
    'RFC 4493, 40 bytes',
    aes,
    { CryptographicAlgorithm: 'AES' },
    '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411',
    'dfa66747de9ae63030ca32611497c827',
  ],
];

t.test('published vectors yield the published MAC', async (t) => {
  for (const [name, key, parameters, data, expected] of vectors) {
    const made = mac(key, parameters, Buffer.from(data, 'hex'));
    t.equal(Buffer.from(made).toString('hex'), expected, name);
    t.ok(verifyMac(key, parameters, Buffer.from(data, 'hex'), made), name);
    for (const given of [
      made.subarray(1),
      made.map((byte, at) => (at === 0 ? byte ^ 1 : byte)),
      new Uint8Array(),
    ]) {
      t.notOk(verifyMac(key, parameters, Buffer.from(data, 'hex'), given), `${name}: wrong`);
    }
  }
});

t.test('MACs refuse wrong parameters', async (t) => {
  const cases: [string, new (message: string) => Error, PlainKey, CryptographicParameters][] = [
    ['CBC-MAC', UnsupportedAlgorithmError, aes, { BlockCipherMode: 'CBC_MAC' }],
    ['ChaCha20', UnsupportedAlgorithmError, secret('ChaCha20', '00'.repeat(32)), {}],
    ['a hash in a mode', InvalidParametersError, secret('HMAC_SHA256', jefe), { BlockCipherMode: 'CMAC' }],
    [
      'another cipher',
      InvalidParametersError,
      secret('HMAC_SHA256', '00'.repeat(16)),
      { CryptographicAlgorithm: 'AES' },
    ],
    ['a key of no cipher', UnsupportedAlgorithmError, secret('AES', jefe), {}],
  ];
  for (const [name, error, key, parameters] of cases)
    t.throws(() => mac(key, parameters, new Uint8Array()), error, name);
});
