import type { CryptographicAlgorithm, DerivationMethod } from '../../../../codec/enums.ts';
import type { DerivationParameters } from '../../../../codec/structures/derivation-parameters.ts';
import type { Version } from '../../../../codec/version.ts';

/** Published derivations as requests, with their keys and results. */
export interface Vector {
  readonly name: string;
  readonly method: Exclude<DerivationMethod, number>;
  readonly key: Uint8Array;
  /** First version that knows its parameters, when these are newer than the method. */
  readonly since?: Version;
  /** Algorithm of the base key; AES when left out. */
  readonly algorithm?: CryptographicAlgorithm;
  readonly parameters: Omit<DerivationParameters, 'DerivationData'> & {
    readonly DerivationData?: readonly Uint8Array[];
  };
  readonly output: string;
}

const text = (value: string) => new TextEncoder().encode(value);
const hex = (value: string) => Uint8Array.fromHex(value);
const range = (from: number, to: number) => Uint8Array.from({ length: to - from }, (_, at) => from + at);
const times = (byte: number, count: number) => new Uint8Array(count).fill(byte);

function pbkdf2(
  name: string,
  hash: 'SHA_1' | 'SHA_256',
  password: string,
  salt: string,
  count: number,
  output: string,
): Vector {
  const parameters = {
    CryptographicParameters: { HashingAlgorithm: hash },
    Salt: text(salt),
    IterationCount: count,
  };
  return { name, method: 'PBKDF2', key: text(password), parameters, output };
}

function hkdf(
  name: string,
  hash: 'SHA_1' | 'SHA_256',
  key: Uint8Array,
  salt: Uint8Array | undefined,
  info: Uint8Array | undefined,
  output: string,
): Vector {
  const parameters = {
    CryptographicParameters: { HashingAlgorithm: hash },
    Salt: salt,
    DerivationData: info === undefined ? [] : [info],
  };
  return { name: `RFC 5869 ${name}`, method: 'HKDF', key, parameters, output };
}

const key = range(0, 32);
const fixed = range(100, 140);
const awsKey = text('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY');
const awsOutput = 'f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d';
const awsScope = ['20120215', 'us-east-1', 'iam'];

export const vectors: readonly Vector[] = [
  pbkdf2('RFC 6070, 1', 'SHA_1', 'password', 'salt', 1, '0c60c80f961f0e71f3a9b524af6012062fe037a6'),
  pbkdf2('RFC 6070, 2', 'SHA_1', 'password', 'salt', 2, 'ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957'),
  pbkdf2('RFC 6070, 3', 'SHA_1', 'password', 'salt', 4096, '4b007901b765489abead49d926f721d065a429c1'),
  pbkdf2(
    'RFC 6070, 5',
    'SHA_1',
    'passwordPASSWORDpassword',
    'saltSALTsaltSALTsaltSALTsaltSALTsalt',
    4096,
    '3d2eec4fe41c849b80c8d83662c0e44a8b291a964cf2f07038',
  ),
  pbkdf2('RFC 6070, 6', 'SHA_1', 'pass\0word', 'sa\0lt', 4096, '56fa6aa75548099dcc37d7f03425e0c3'),
  pbkdf2(
    'RFC 7914, 1',
    'SHA_256',
    'passwd',
    'salt',
    1,
    '55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783',
  ),
  pbkdf2(
    'RFC 7914, 2',
    'SHA_256',
    'Password',
    'NaCl',
    80000,
    '4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56a1d425a1225833549adb841b51c9b3176a272bdebba1d078478f62b397f33c8d',
  ),
  {
    name: 'PBKDF2 with SHA-1 when nothing is said (TC-DERIVEKEY-3)',
    method: 'PBKDF2',
    key: text('password'),
    parameters: { Salt: text('salt'), IterationCount: 1 },
    output: '0c60c80f961f0e71f3a9b524af601206',
  },
  hkdf(
    'A.1',
    'SHA_256',
    times(0x0b, 22),
    range(0, 13),
    range(0xf0, 0xfa),
    '3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865',
  ),
  hkdf(
    'A.2',
    'SHA_256',
    range(0, 80),
    range(0x60, 0xb0),
    range(0xb0, 0x100),
    'b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87',
  ),
  hkdf(
    'A.3',
    'SHA_256',
    times(0x0b, 22),
    undefined,
    undefined,
    '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
  ),
  hkdf(
    'A.4',
    'SHA_1',
    times(0x0b, 11),
    range(0, 13),
    range(0xf0, 0xfa),
    '085a01ea1b10f36933068b56efa5ad81a4f14b822f5b091568a9cdd4f155fda2c22e422478d305f3f896',
  ),
  {
    name: 'HKDF with SHA-256 when nothing is said',
    method: 'HKDF',
    key: times(0x0b, 22),
    parameters: {},
    output: '8da4e775a563c18f715f802a063c5a31',
  },
  {
    name: 'CAVP KDF in counter mode, HMAC-SHA-1, as PyKMIP tests it',
    method: 'NIST800_108_C',
    key: hex('f7591733c856593565130975351954d0155abf3c'),
    parameters: {
      CryptographicParameters: { HashingAlgorithm: 'SHA_1' },
      DerivationData: [
        hex(
          '8e347ef55d5f5e99eab6de706b51de7ce004f3882889e259ff4e5cff102167a5a4bd711578d4ce17dd9abe56e51c1f2df950e2fc812ec1b217ca08d6',
        ),
      ],
    },
    output: '34fe44b0d8c41b93f5fa64fb96f00e5b',
  },
  {
    name: 'counter mode with a counter of 8 bits (pyca/cryptography)',
    since: '1.2',
    method: 'NIST800_108_C',
    key,
    parameters: {
      CryptographicParameters: { HashingAlgorithm: 'SHA_512', CounterLength: 8 },
      DerivationData: [fixed],
    },
    output:
      'f137378400e3d868e665c18cd761b85bb27f117a80ef2be1091168a84e6a6c75f6f2ac21712113f14e1e04e779e5c06e9e84abafa8fd600c1dc28ec6832576a4c763f58ea72a149f979b6216a06e6561a064e27c78355605cb29e33e370e4141f856bc8e',
  },
  {
    name: 'counter mode with CMAC (pyca/cryptography)',
    since: '1.2',
    method: 'NIST800_108_C',
    key: key.subarray(0, 16),
    parameters: {
      CryptographicParameters: { BlockCipherMode: 'CMAC', CounterLength: 16 },
      DerivationData: [fixed],
    },
    output: '3c1b66d4edb9e273622d063277f611d1eff89a9d7668c489d77fd4e4da6962a6d57c0b7488b542b5',
  },
  {
    name: 'feedback mode (OpenSSL KBKDF)',
    since: '1.2',
    method: 'NIST800_108_F',
    key,
    parameters: {
      CryptographicParameters: { CryptographicAlgorithm: 'HMAC_SHA256' },
      InitializationVector: range(200, 232),
      DerivationData: [fixed],
    },
    output:
      '74d2c1a85e208c7499d8adff9bf751dd2d63d9f1006045d4dc84761e2146fd7856099a6d8bc5bcc0974461345138972ecb1dc9057d5fba5908e3e4a1f68dd7cd0e720ecdb313a89b99f578dfc675a175',
  },
  {
    name: 'feedback mode without a vector; the key tells the hash',
    method: 'NIST800_108_F',
    key,
    algorithm: 'HMAC_SHA256',
    parameters: { DerivationData: [fixed] },
    output: '09f22f4cfd4de2ab7fb74c3581088c42876dd717ff8865b99ae71bfeb472302c',
  },
  {
    name: 'double pipeline mode (computed with Python)',
    method: 'NIST800_108_DPI',
    key,
    parameters: { CryptographicParameters: { HashingAlgorithm: 'SHA_384' }, DerivationData: [fixed] },
    output:
      '5f20a4e7781f1784567b665114d9c73e08051f5343b441ebb080c0b1b0a787c7b5a4f24774fb5e56b25f181615d3960ccb44a73f5ef8059c71f46c19448fec7d98e1965874c7a734ca36553a2b4992bcaf6876ed74ece21bfa7585814b8e6ced55397ebb',
  },
  {
    name: 'AWS Signature Version 4, three pieces',
    method: 'AWSSignatureVersion4',
    key: awsKey,
    parameters: { DerivationData: awsScope.map(text) },
    output: awsOutput,
  },
  {
    name: 'AWS Signature Version 4, four pieces',
    method: 'AWSSignatureVersion4',
    key: awsKey,
    parameters: { DerivationData: [...awsScope, 'aws4_request'].map(text) },
    output: awsOutput,
  },
  {
    name: 'AWS Signature Version 4, a credential scope',
    method: 'AWSSignatureVersion4',
    key: awsKey,
    parameters: { DerivationData: [text([...awsScope, 'aws4_request'].join('/'))] },
    output: awsOutput,
  },
  {
    name: 'HASH (TC-DERIVEKEY-1)',
    method: 'HASH',
    key: hex('00112233445566778899aabbccddeeff'),
    parameters: { CryptographicParameters: { HashingAlgorithm: 'SHA_256' } },
    output: 'a8faed6abbf35c12a4b26e40f6feb19d',
  },
  {
    name: 'HMAC (TC-DERIVEKEY-2)',
    method: 'HMAC',
    key: hex('00112233445566778899aabbccddeeff'),
    parameters: {
      CryptographicParameters: { HashingAlgorithm: 'SHA_256' },
      DerivationData: [Uint8Array.of(1, 2)],
    },
    output: '1e15c1f1da233629f770fb0a04a5020e',
  },
  {
    name: 'ENCRYPT with CBC',
    method: 'ENCRYPT',
    key: key.subarray(0, 16),
    parameters: {
      CryptographicParameters: { BlockCipherMode: 'CBC' },
      InitializationVector: range(0, 16),
      DerivationData: [fixed.subarray(0, 32)],
    },
    output: 'c7bb70685ab7beedc87a3ecd1f2ac5c651ac8f4b616e556647f44a1095615e52',
  },
  {
    name: 'ENCRYPT with CTR, data in pieces',
    method: 'ENCRYPT',
    key: key.subarray(0, 16),
    parameters: {
      CryptographicParameters: { BlockCipherMode: 'CTR' },
      InitializationVector: range(0, 16),
      DerivationData: [fixed.subarray(0, 7), fixed.subarray(7)],
    },
    output: '6ef16dd229079a2e9daefa37b622982976169ae31e6108ede6a78370cb258d5f9ea8123499952f73',
  },
];

/** PKCS#8 and SubjectPublicKeyInfo of the two sides, and the agreed secret. */
export const agreements = [
  {
    name: 'RFC 7748 §6.1, X25519',
    privateKey:
      '302e020100300506032b656e042204205dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb',
    publicKey: '302a300506032b656e0321008520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a',
    secret: '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
  },
  {
    name: 'RFC 7748 §6.2, X448',
    privateKey:
      '3046020100300506032b656f043a04381c306a7ac2a0e2e0990b294470cba339e6453772b075811d8fad0d1d6927c120bb5ee8972b0d3e21374c9c921b09d1b0366f10b65173992d',
    publicKey:
      '3042300506032b656f0339009b08f7cc31b7e3e67d22d5aea121074a273bd2b83de09c63faa73d2c22c5d9bbc836647241d953d40c5b12da88120d53177f80e532c41fa0',
    secret:
      '07fff4181ac6cc95ec1c16a94a0f74d12da232ce40a77552281d282bb60c0b56fd2464c335543936521c24403085d59a449a5037514a879d',
  },
  {
    name: 'CAVP ECC CDH, P-256',
    privateKey:
      '3041020100301306072a8648ce3d020106082a8648ce3d0301070427302502010104207d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534',
    publicKey:
      '3059301306072a8648ce3d020106082a8648ce3d03010703420004700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac',
    secret: '46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b',
  },
] as const;
