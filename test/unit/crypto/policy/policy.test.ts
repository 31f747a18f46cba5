import t from 'tap';
import type { CryptographicParameters } from '../../../../codec/structures/cryptographic-parameters.ts';
import { UnsupportedAlgorithmError } from '../../../../src/crypto/errors.ts';
import { closeThreads, nodeCrypto } from '../../../../src/crypto/node/node.ts';
import type { PlainKey } from '../../../../src/crypto/plain-key.ts';
import { findDisabledProblem, parseDisabled } from '../../../../src/crypto/policy/disabled-names.ts';
import { CryptographicPolicy } from '../../../../src/crypto/policy/policy.ts';
import type { CryptographicSettings } from '../../../../src/crypto/policy/rules.ts';
import type { KeyPairRequest } from '../../../../src/crypto/provider.ts';

t.teardown(closeThreads);

const defaults: CryptographicSettings = { disabled: [], pkcs1Decryption: false, fips: false, legacy: true };
const withSettings = (settings: Partial<CryptographicSettings>) =>
  new CryptographicPolicy({ ...defaults, ...settings }).restrict(nodeCrypto);
const without = (...disabled: string[]) => withSettings({ disabled });

const symmetricKey = (algorithm: PlainKey['CryptographicAlgorithm'], bytes: number): PlainKey => ({
  objectType: 'SymmetricKey',
  KeyFormatType: 'Raw',
  KeyMaterial: new Uint8Array(bytes).fill(1),
  CryptographicAlgorithm: algorithm,
});
async function generate(request: KeyPairRequest) {
  const pair = await nodeCrypto.generateKeyPair(request);
  const privateKey = {
    objectType: 'PrivateKey',
    KeyFormatType: 'PKCS_8',
    KeyMaterial: pair.privateKey,
  } as const;
  const publicKey = { objectType: 'PublicKey', KeyFormatType: 'X_509', KeyMaterial: pair.publicKey } as const;
  const CryptographicAlgorithm = request.algorithm;
  return {
    privateKey: { ...privateKey, CryptographicAlgorithm },
    publicKey: { ...publicKey, CryptographicAlgorithm },
  };
}
const rsa = await generate({ algorithm: 'RSA', bits: 2048 });
const ec = await generate({ algorithm: 'ECDSA', curve: 'P_256' });
const aes = symmetricKey('AES', 16);
const data = new Uint8Array(16);
const iv = new Uint8Array(16);
const cbc = { BlockCipherMode: 'CBC' } as const;
const oaep = { PaddingMethod: 'OAEP', HashingAlgorithm: 'SHA_1' } as const;
const pkcs1 = { PaddingMethod: 'PKCS1V1_5', HashingAlgorithm: 'SHA_256' } as const;

type Provider = ReturnType<typeof withSettings>;
type Use = (provider: Provider) => unknown;
const encrypting = (key: PlainKey, parameters: CryptographicParameters): Use => {
  return (provider) => provider.encrypt(key, parameters, { data, iv });
};
const deriving = (parameters: CryptographicParameters, method: 'PBKDF2' | 'HKDF'): Use => {
  const rest = { data: [data], salt: data, iterations: 1, length: 16 };
  return (provider) => provider.deriveKey({ method, key: aes, parameters, ...rest });
};

const refusedUses: [entry: string, what: string, use: Use][] = [
  ['AES', 'a key is made', (provider) => provider.generateSymmetric('AES', 256)],
  ['AES<256', 'a short key is made', (provider) => provider.generateSymmetric('AES', 128)],
  ['AES=192', 'a key of that length is made', (provider) => provider.generateSymmetric('AES', 192)],
  ['RSA<3072', 'a pair', (provider) => provider.generateKeyPair({ algorithm: 'RSA', bits: 2048 })],
  ['P_256', 'a pair', (provider) => provider.generateKeyPair({ algorithm: 'EC', curve: 'P_256' })],
  ['EC<384', 'a pair', (provider) => provider.generateKeyPair({ algorithm: 'ECDH', curve: 'P_256' })],
  ['EC', 'a pair', (provider) => provider.generateKeyPair({ algorithm: 'ECDSA', curve: 'P_521' })],
  ['Ed25519', 'a pair', (provider) => provider.generateKeyPair({ algorithm: 'Ed25519' })],
  ['AES', 'encryption', encrypting(aes, cbc)],
  ['AES=128', 'encryption', encrypting(aes, cbc)],
  ['CBC', 'encryption', encrypting(aes, cbc)],
  ['CBC', 'decryption', (provider) => provider.decrypt(aes, cbc, { data, iv })],
  ['CBC', 'wrapping', (provider) => provider.wrap(aes, cbc, data)],
  ['CBC', 'unwrapping', (provider) => provider.unwrap(aes, cbc, { data, iv })],
  ['CBC', 'parts to encrypt', (provider) => provider.startEncryption(aes, cbc, { iv })],
  ['CBC', 'parts', (provider) => provider.startDecryption(aes, cbc, { iv, appendedTag: false })],
  ['SHA_1', 'OAEP', encrypting(rsa.publicKey, oaep)],
  [
    'SHA_1',
    'its mask',
    encrypting(rsa.publicKey, {
      ...oaep,
      HashingAlgorithm: 'SHA_256',
      MaskGeneratorHashingAlgorithm: 'SHA_1',
    }),
  ],
  ['OAEP', 'encryption', encrypting(rsa.publicKey, oaep)],
  ['RSA<3072', 'a signature', (provider) => provider.sign(rsa.privateKey, pkcs1, { data })],
  ['PKCS1V1_5', 'a signature', (provider) => provider.sign(rsa.privateKey, pkcs1, { data })],
  [
    'SHA_1',
    'a signature by name',
    (provider) =>
      provider.sign(rsa.privateKey, { DigitalSignatureAlgorithm: 'SHA_1WithRSAEncryption' }, { data }),
  ],
  [
    'SHA_224',
    'a signature by name',
    (provider) => provider.sign(ec.privateKey, { DigitalSignatureAlgorithm: 'ECDSAWithSHA224' }, { data }),
  ],
  [
    'ECDSAWithSHA256',
    'that signature',
    (provider) => provider.sign(ec.privateKey, { DigitalSignatureAlgorithm: 'ECDSAWithSHA256' }, { data }),
  ],
  [
    'P_256',
    'a signature',
    (provider) => provider.sign(ec.privateKey, { HashingAlgorithm: 'SHA_256' }, { data }),
  ],
  [
    'P_256',
    'its verification',
    (provider) => provider.verify(ec.publicKey, { HashingAlgorithm: 'SHA_256' }, { data }, data),
  ],
  [
    'ECDSA',
    'parts of a message',
    (provider) => provider.startMessage(ec.publicKey, { HashingAlgorithm: 'SHA_256' }),
  ],
  ['HMAC_MD5', 'a MAC', (provider) => provider.mac(symmetricKey('HMAC_MD5', 16), {}, data)],
  ['HMAC_SHA1', 'a MAC', (provider) => provider.mac(aes, { CryptographicAlgorithm: 'HMAC_SHA1' }, data)],
  [
    'HMAC_SHA1',
    'its check',
    (provider) => provider.verifyMac(aes, { CryptographicAlgorithm: 'HMAC_SHA1' }, data, data),
  ],
  ['AES', 'parts of CMAC', (provider) => provider.startMac(aes, {})],
  ['MD5', 'a digest', (provider) => provider.digest('MD5', data)],
  ['MD5', 'a digest of parts', (provider) => provider.startDigest('MD5')],
  ['PBKDF2', 'a derivation', deriving({ HashingAlgorithm: 'SHA_256' }, 'PBKDF2')],
  ['SHA_1', 'a derivation that says no hash', deriving({}, 'PBKDF2')],
  ['SHA_512', 'a derivation', deriving({ HashingAlgorithm: 'SHA_512' }, 'HKDF')],
  ['AES', 'a derivation from such a key', deriving({}, 'HKDF')],
];

t.test('the policy names every member of the port', (t) => {
  const restricted = withSettings({});
  t.same(Object.keys(restricted).sort(), Object.keys(nodeCrypto).sort());
  const { certification } = nodeCrypto;
  t.same(Object.keys(restricted.certification).sort(), Object.keys(certification).sort());
  t.equal(restricted.random(3).length, 3);
  t.end();
});

t.test('rules hold for parameters that the server fills in', async (t) => {
  const bare = { HashingAlgorithm: 'SHA_256' } as const;
  await t.rejects(without('PKCS1V1_5').sign(rsa.privateKey, bare, { data }), {
    message: /PKCS1V1_5 is switched off/,
  });
  await t.resolves(without('PSS').sign(rsa.privateKey, bare, { data }));
  const named = { DigitalSignatureAlgorithm: 'RSASSA_PSS', HashingAlgorithm: 'SHA_256' } as const;
  await t.rejects(without('PSS').sign(rsa.privateKey, named, { data }), { message: /PSS is switched off/ });

  const issuer = await nodeCrypto.generateKeyPair({ algorithm: 'ECDSA', curve: 'P_384' });
  const name = await nodeCrypto.certification.encodeName({ text: 'CN=Test' });
  const specification = {
    content: {
      subject: name,
      publicKey: issuer.publicKey,
      alternativeNames: [],
      extendedKeyUsage: [],
      authority: true,
    },
    issuer: name,
    issuerKey: {
      objectType: 'PrivateKey',
      KeyFormatType: 'PKCS_8',
      KeyMaterial: issuer.privateKey,
      CryptographicAlgorithm: 'ECDSA',
    },
    serialNumber: new Uint8Array(16).fill(1),
    notBefore: 1_700_000_000,
    notAfter: 1_800_000_000,
    signature: {},
  } as const;
  await t.rejects(without('SHA_384').certification.issueCertificate(specification), {
    message: /SHA_384 is switched off/,
  });
  await t.rejects(without('ECDSA').certification.issueCertificate(specification), {
    message: /ECDSA is switched off/,
  });
  await t.resolves(without('SHA_512').certification.issueCertificate(specification));
  const list = {
    issuerCertificate: await nodeCrypto.certification.issueCertificate(specification),
    issuerKey: specification.issuerKey,
  };
  const dates = { number: 1, thisUpdate: 1_700_000_000, nextUpdate: 1_700_000_001 };
  const revoked = { ...list, ...dates, entries: [], signature: {} };
  await t.rejects(without('P_384').certification.issueRevocationList(revoked), {
    message: /P_384 is switched off/,
  });
});

t.test('algorithms that are switched off are neither used nor generated', async (t) => {
  for (const [entry, what, use] of refusedUses) {
    const refused = async () => use(without(entry));
    await t.rejects(refused(), UnsupportedAlgorithmError, `${entry}: ${what}`);
    await t.rejects(refused(), { message: /switched off/ }, `${entry}: ${what}`);
  }
});

t.test('uses that no rule is about work as without rules', async (t) => {
  const provider = without('DES3', 'MD5', 'ECB', 'RSA<2048', 'AES=192', 'P_384', 'HASH', 'HMAC_MD5');
  const others = refusedUses.filter(([, what]) => !/its check|verif|unwrapping|MD5/.test(what));
  for (const [entry, what, use] of others) {
    if (['AES=192', 'MD5', 'HMAC_MD5'].includes(entry)) continue;
    await t.resolves(async () => use(provider), `${entry}: ${what}`);
  }
});

t.test('lists leave out disabled names, and keys of disabled algorithms can still be read', (t) => {
  const provider = without('MD5', 'P_256', 'RSA');
  t.notMatch(provider.hashingAlgorithms, ['MD5']);
  t.ok(provider.hashingAlgorithms.includes('SHA_256'));
  t.notOk(provider.curves.includes('P_256'));
  t.ok(provider.curves.includes('P_384'));
  t.match(provider.describeKey(rsa.privateKey), { CryptographicAlgorithm: 'RSA', CryptographicLength: 2048 });
  t.ok(provider.convertKey(rsa.privateKey, 'PKCS_1'));
  t.end();
});

t.test('new settings hold for a provider that is in use', (t) => {
  const rules = new CryptographicPolicy(defaults);
  const provider = rules.restrict(nodeCrypto);
  t.ok(provider.digest('MD5', data));
  rules.replace({ ...defaults, disabled: ['MD5'] });
  t.throws(() => provider.digest('MD5', data), UnsupportedAlgorithmError);
  rules.replace(defaults);
  t.ok(provider.digest('MD5', data));
  t.end();
});

t.test('PKCS #1 v1.5 is decrypted only when the operator allows it', async (t) => {
  const { data: ciphertext } = nodeCrypto.encrypt(rsa.publicKey, pkcs1, { data });
  await t.rejects(
    withSettings({}).decrypt(rsa.privateKey, pkcs1, { data: ciphertext }),
    UnsupportedAlgorithmError,
  );
  await t.rejects(
    withSettings({}).unwrap(rsa.privateKey, pkcs1, { data: ciphertext }),
    UnsupportedAlgorithmError,
  );
  t.same(
    await withSettings({ pkcs1Decryption: true }).decrypt(rsa.privateKey, pkcs1, { data: ciphertext }),
    data,
  );
});

t.test('FIPS mode allows approved algorithms only', async (t) => {
  const provider = withSettings({ fips: true, pkcs1Decryption: true });
  const refused: [string, Use][] = [
    ['Camellia', encrypting(symmetricKey('Camellia', 16), cbc)],
    ['3DES', () => provider.generateSymmetric('DES3', 168)],
    ['MD5', () => provider.digest('MD5', data)],
    ['X25519', () => provider.generateKeyPair({ algorithm: 'ECDH', curve: 'CURVE25519' })],
    ['secp256k1', () => provider.generateKeyPair({ algorithm: 'EC', curve: 'SECP256K1' })],
    ['DSA', () => provider.generateKeyPair({ algorithm: 'DSA', bits: 2048 })],
    ['a signature with SHA-1', () => provider.sign(rsa.privateKey, { HashingAlgorithm: 'SHA_1' }, { data })],
    ['a key of 64 bits', () => provider.mac(symmetricKey('HMAC_SHA256', 8), {}, data)],
    ['encryption with PKCS #1 v1.5', encrypting(rsa.publicKey, pkcs1)],
    ['its decryption', () => provider.decrypt(rsa.privateKey, pkcs1, { data })],
    [
      'hashing keys',
      () => provider.deriveKey({ method: 'HASH', key: aes, parameters: {}, data: [], length: 16 }),
    ],
  ];
  for (const [what, use] of refused)
    await t.rejects(async () => use(provider), { message: /not approved by FIPS 140-3/ }, what);
  const allowed: [string, Use][] = [
    ['AES', encrypting(aes, cbc)],
    ['OAEP', encrypting(rsa.publicKey, oaep)],
    ['RSA signatures', () => provider.sign(rsa.privateKey, pkcs1, { data })],
    [
      'SHA-1 in signatures that are there',
      () => provider.verify(rsa.publicKey, { ...pkcs1, HashingAlgorithm: 'SHA_1' }, { data }, data),
    ],
    ['ECDSA', () => provider.sign(ec.privateKey, { HashingAlgorithm: 'SHA_256' }, { data })],
    ['Ed25519', () => provider.generateKeyPair({ algorithm: 'Ed25519' })],
    ['HMAC', () => provider.mac(symmetricKey('HMAC_SHA1', 20), {}, data)],
    ['PBKDF2', deriving({}, 'PBKDF2')],
  ];
  for (const [what, use] of allowed) await t.resolves(async () => use(provider), what);
});

t.test('entries are names of KMIP, of algorithms also with a length', (t) => {
  t.same(parseDisabled('RSA < 3072'), { name: 'RSA', comparison: '<', bits: 3072 });
  t.same(parseDisabled('DES3'), { name: 'DES3' });
  t.throws(() => parseDisabled('DES4'), TypeError);
  for (const entry of ['GCM', 'PSS', 'SECP256K1', 'HKDF', 'ECDSAWithSHA_1', 'SHA3_256', 'AES=192'])
    t.equal(findDisabledProblem(entry), undefined, entry);
  t.end();
});
