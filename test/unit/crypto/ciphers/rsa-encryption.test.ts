import { constants, createPrivateKey, createPublicKey, privateDecrypt, publicEncrypt } from 'node:crypto';
import t from 'tap';
import type { CryptographicParameters } from '../../../../codec/structures/cryptographic-parameters.ts';
import { decrypt, encrypt } from '../../../../src/crypto/ciphers/encryption.ts';
import {
  CryptographyFailedError,
  InvalidParametersError,
  UnsupportedAlgorithmError,
} from '../../../../src/crypto/errors.ts';
import { applyMask } from '../../../../src/crypto/hashes/mask-generation.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import type { PlainKey } from '../../../../src/crypto/plain-key.ts';

const { generateKeyPair } = nodeCrypto;

const pair = await generateKeyPair({ algorithm: 'RSA', bits: 2048 });
const privateKey: PlainKey = {
  objectType: 'PrivateKey',
  KeyFormatType: 'PKCS_8',
  KeyMaterial: pair.privateKey,
};
const publicKey: PlainKey = { objectType: 'PublicKey', KeyFormatType: 'X_509', KeyMaterial: pair.publicKey };
const nodePrivate = createPrivateKey({ key: Buffer.from(pair.privateKey), format: 'der', type: 'pkcs8' });
const nodePublic = createPublicKey(nodePrivate);

const label = new TextEncoder().encode('label');
const data = new TextEncoder().encode('attack at dawn');
const same: CryptographicParameters = { PaddingMethod: 'OAEP', HashingAlgorithm: 'SHA_256', PSource: label };
const mixed: CryptographicParameters = {
  ...same,
  HashingAlgorithm: 'SHA_384',
  MaskGenerator: 'MGF1',
  MaskGeneratorHashingAlgorithm: 'SHA_256',
};

t.test('OAEP decrypts its own output, with one hash or two', async (t) => {
  for (const parameters of [same, mixed, { ...mixed, PSource: undefined }]) {
    for (const plain of [data, new Uint8Array(), new Uint8Array(40).fill(0), new Uint8Array(150).fill(1)]) {
      const encrypted = encrypt(publicKey, parameters, { data: plain }).data;
      t.equal(encrypted.length, 256);
      t.same([...decrypt(privateKey, parameters, { data: encrypted })], [...plain]);
    }
  }
  const other = publicEncrypt(
    { key: nodePublic, oaepHash: 'sha256', oaepLabel: label, padding: constants.RSA_PKCS1_OAEP_PADDING },
    data,
  );
  t.same([...decrypt(privateKey, same, { data: other })], [...data], 'what others encrypted');
});

t.test('every wrong OAEP block leads to the same error', async (t) => {
  const bare = (block: Uint8Array) =>
    publicEncrypt({ key: nodePublic, padding: constants.RSA_NO_PADDING }, block);
  const good = encrypt(publicKey, mixed, { data }).data;
  const block = privateDecrypt({ key: nodePrivate, padding: constants.RSA_NO_PADDING }, good);
  const changed = (at: number) => bare(block.map((byte, index) => (index === at ? byte ^ 1 : byte)));
  const cases: [string, CryptographicParameters, Uint8Array][] = [
    ['a first byte of 1', mixed, changed(0)],
    ['another seed', mixed, changed(5)],
    ['another hash of the label', mixed, changed(60)],
    ['a byte between hash and data', mixed, changed(120)],
    ['another label', { ...mixed, PSource: data }, good],
    ['another hash', { ...mixed, HashingAlgorithm: 'SHA_512' }, good],
    ['another mask', same, good],
    ['bare zeros', mixed, bare(new Uint8Array(256))],
    ['zeros', mixed, new Uint8Array(256)],
    ['more than the modulus', mixed, new Uint8Array(256).fill(0xff)],
    ['too few bytes', mixed, good.subarray(1)],
    ['too many bytes', mixed, new Uint8Array(257)],
    ['nothing', mixed, new Uint8Array()],
    ['nothing, the same hash', same, new Uint8Array()],
  ];
  for (const [name, parameters, sealed] of cases) {
    t.throws(
      () => decrypt(privateKey, parameters, { data: sealed }),
      { name: 'CryptographyFailedError', message: 'the data cannot be decrypted' },
      name,
    );
  }
});

t.test('blocks that are wrong under their masks lead to the same error', async (t) => {
  const crafted = (change: (first: Uint8Array, rest: Uint8Array) => void) => {
    const block = new Uint8Array(256);
    const seed = block.subarray(1, 49).fill(7);
    const rest = block.subarray(49);
    rest.set(nodeCrypto.digest('SHA_384', label));
    rest.set([1, ...data], rest.length - data.length - 1);
    change(block, rest);
    applyMask(rest, seed, 'SHA_256');
    applyMask(seed, rest, 'SHA_256');
    return publicEncrypt({ key: nodePublic, padding: constants.RSA_NO_PADDING }, block);
  };
  const opened = (sealed: Uint8Array) => [...decrypt(privateKey, mixed, { data: sealed })];
  t.same(opened(crafted(() => {})), [...data], 'nothing changed');
  const cases: [string, (first: Uint8Array, rest: Uint8Array) => void][] = [
    ['the first byte', (first) => first.fill(1, 0, 1)],
    ['the hash of the label, its first byte', (_, rest) => rest.fill(0, 0, 1)],
    ['the hash of the label, its last byte', (_, rest) => rest.fill(0, 47, 48)],
    ['a byte before the separator', (_, rest) => rest.fill(2, 100, 101)],
    ['another separator', (_, rest) => rest.fill(2, -data.length - 1, -data.length)],
    ['no separator', (_, rest) => rest.fill(0, 48)],
  ];
  for (const [name, change] of cases) {
    t.throws(() => opened(crafted(change)), { message: 'the data cannot be decrypted' }, name);
  }
});

t.test('a changed data byte is data, not padding', async (t) => {
  const good = encrypt(publicKey, mixed, { data }).data;
  const block = privateDecrypt({ key: nodePrivate, padding: constants.RSA_NO_PADDING }, good);
  // Only the seed's mask sees it, so the label's hash is lost: OAEP is not malleable.
  block[255] = (block[255] as number) ^ 1;
  const changed = publicEncrypt({ key: nodePublic, padding: constants.RSA_NO_PADDING }, block);
  t.throws(() => decrypt(privateKey, mixed, { data: changed }), CryptographyFailedError);
});

t.test('PKCS #1 v1.5 decrypts wrong padding to other data, the same each time', async (t) => {
  const parameters: CryptographicParameters = { PaddingMethod: 'PKCS1V1_5' };
  const encrypted = encrypt(publicKey, parameters, { data }).data;
  t.same(
    [...privateDecrypt({ key: nodePrivate, padding: constants.RSA_PKCS1_PADDING }, encrypted)],
    [...data],
  );
  t.same([...decrypt(privateKey, parameters, { data: encrypted })], [...data]);
  const bare = (block: Uint8Array) =>
    publicEncrypt({ key: nodePublic, padding: constants.RSA_NO_PADDING }, block);
  const blocks: [string, (block: Uint8Array) => void][] = [
    ['the first byte', (block) => block.fill(1, 0, 1)],
    ['the block type', (block) => block.fill(1, 1, 2)],
    ['no separator', () => {}],
    ['a separator too early', (block) => block.fill(0, 5, 6)],
  ];
  for (const [name, change] of blocks) {
    const block = new Uint8Array(256).fill(7);
    block.set([0, 2]);
    change(block);
    const sealed = bare(block);
    const made = decrypt(privateKey, parameters, { data: sealed });
    t.same(decrypt(privateKey, parameters, { data: sealed }), made, name);
    t.ok(made.length <= 245, name);
  }
  for (const length of [0, 255, 257])
    t.throws(() => decrypt(privateKey, parameters, { data: new Uint8Array(length) }), {
      message: 'the data cannot be decrypted',
    });
  t.throws(
    () => encrypt(publicKey, parameters, { data: new Uint8Array(246) }),
    CryptographyFailedError,
    'too long',
  );
});

t.test('RSA encryption refuses wrong parameters', async (t) => {
  const cases: [string, new (message: string) => Error, PlainKey, CryptographicParameters, Uint8Array][] = [
    ['no padding', InvalidParametersError, publicKey, {}, data],
    ['Padding Method None', UnsupportedAlgorithmError, publicKey, { PaddingMethod: 'None' }, data],
    ['OAEP without a hash', InvalidParametersError, publicKey, { PaddingMethod: 'OAEP' }, data],
    [
      'another algorithm',
      InvalidParametersError,
      publicKey,
      { ...same, CryptographicAlgorithm: 'AES' },
      data,
    ],
    ['too much data', CryptographyFailedError, publicKey, same, new Uint8Array(191)],
    ['too much data, two hashes', CryptographyFailedError, publicKey, mixed, new Uint8Array(159)],
    ['a private key', UnsupportedAlgorithmError, privateKey, same, data],
  ];
  for (const [name, error, key, parameters, plain] of cases) {
    t.throws(() => encrypt(key, parameters, { data: plain }), error, name);
  }
});
