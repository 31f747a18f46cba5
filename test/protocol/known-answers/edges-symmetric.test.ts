import { createCipheriv } from 'node:crypto';
import t from 'tap';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { eraOf } from '../../../codec/version.ts';
import { Decrypt } from '../../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { counted, symmetric } from '../operations/transfer/wrapping-keys.ts';
import { concat, flipBit } from './edges.ts';
import { decryptionFailed, failureOf, fieldOf, hex, testedVersions, VectorClient } from './vector-client.ts';

/** What forgers send to whoever decrypts: there is one answer to all of it. */

const client = await VectorClient.open(t);
const data = new TextEncoder().encode('twenty bytes of text');
const additional = Uint8Array.of(1, 2, 3);

interface Sealed {
  readonly Data: Uint8Array;
  readonly IVCounterNonce?: Uint8Array | undefined;
  readonly AuthenticatedEncryptionTag?: Uint8Array | undefined;
  readonly AuthenticatedEncryptionAdditionalData?: Uint8Array | undefined;
}

const authenticating = [
  { algorithm: 'AES', bytes: 16, mode: 'GCM', ivBytes: 12, shorter: [12, 13, 14, 15] },
  { algorithm: 'AES', bytes: 24, mode: 'GCM', ivBytes: 16, shorter: [12, 15] },
  { algorithm: 'AES', bytes: 32, mode: 'GCM', ivBytes: 8, shorter: [12] },
  { algorithm: 'AES', bytes: 16, mode: 'CCM', ivBytes: 12, shorter: [12, 14] },
  { algorithm: 'AES', bytes: 32, mode: 'CCM', ivBytes: 8, shorter: [14] },
  { algorithm: 'ChaCha20Poly1305', bytes: 32, mode: undefined, ivBytes: 12, shorter: [12, 15] },
] as const;

t.test('authenticated modes reject changed tags, data, vectors and additional data', async (t) => {
  for (const { algorithm, bytes, mode, ivBytes, shorter } of authenticating) {
    const UniqueIdentifier = await client.registerKey(
      symmetric(counted(bytes), algorithm),
      'Encrypt',
      'Decrypt',
    );
    const CryptographicParameters: CryptographicParameters =
      mode === undefined ? {} : { BlockCipherMode: mode };
    const common = { UniqueIdentifier, CryptographicParameters };
    for (const version of testedVersions) {
      for (const Data of [data, new Uint8Array()]) {
        const asked = {
          Data,
          IVCounterNonce: counted(ivBytes),
          AuthenticatedEncryptionAdditionalData: additional,
        };
        const { payload } = await client.request(version, Encrypt, { ...common, ...asked });
        const sealed = { ...asked, ...payload } as Sealed;
        const tag = sealed.AuthenticatedEncryptionTag as Uint8Array;
        const name = `${version} ${algorithm} ${mode} ${Data.length} bytes`;
        const said = (change: Partial<Sealed>) =>
          client.request(version, Decrypt, { ...common, ...sealed, Data: sealed.Data ?? Data, ...change });
        t.equal(fieldOf(await said({}), 'Data'), hex(Data), `${name}: unchanged`);
        const wrong: Record<string, Partial<Sealed>> = {
          'a tag of zeros': { AuthenticatedEncryptionTag: new Uint8Array(16) },
          'a tag of ones': { AuthenticatedEncryptionTag: new Uint8Array(16).fill(0xff) },
          'the tag inverted': { AuthenticatedEncryptionTag: tag.map((byte) => byte ^ 0xff) },
          'the tag with every first bit turned': {
            AuthenticatedEncryptionTag: tag.map((byte) => byte ^ 0x80),
          },
          'the tag with every last bit turned': { AuthenticatedEncryptionTag: tag.map((byte) => byte ^ 1) },
          'the tag backwards': { AuthenticatedEncryptionTag: tag.toReversed() },
          'an empty tag': { AuthenticatedEncryptionTag: new Uint8Array() },
          'a longer tag': { AuthenticatedEncryptionTag: concat(tag, [0]) },
          'a byte more': { Data: concat(sealed.Data, [0]) },
          'other additional data': { AuthenticatedEncryptionAdditionalData: additional.slice(1) },
          'no additional data': { AuthenticatedEncryptionAdditionalData: undefined },
          'empty additional data': { AuthenticatedEncryptionAdditionalData: new Uint8Array() },
          'another vector': { IVCounterNonce: flipBit(counted(ivBytes), 7) },
        };
        for (let bit = 0; bit < 128; bit += 1)
          wrong[`bit ${bit} of the tag`] = { AuthenticatedEncryptionTag: flipBit(tag, bit) };
        for (const length of [1, 4, 8, 12, 13, 14, 15])
          wrong[`${length} bytes of the tag`] = { AuthenticatedEncryptionTag: tag.slice(0, length) };
        for (let bit = 0; bit < sealed.Data.length * 8; bit += 13)
          wrong[`bit ${bit} of the data`] = { Data: flipBit(sealed.Data, bit) };
        if (Data.length > 0) wrong['a byte less'] = { Data: sealed.Data.slice(0, -1) };
        for (const [how, change] of Object.entries(wrong))
          t.equal(failureOf(await said(change)), decryptionFailed, `${name}: ${how}`);
        for (const TagLength of shorter) {
          const parameters = { ...CryptographicParameters, TagLength };
          const cut = { ...sealed, AuthenticatedEncryptionTag: tag.slice(0, TagLength) };
          const request = { UniqueIdentifier, CryptographicParameters: parameters, ...cut };
          const opened = await client.request(version, Decrypt, request);
          // The length is part of what CCM authenticates, of what the others do it is not.
          if (mode === 'CCM') t.equal(failureOf(opened), decryptionFailed, `${name}: cut to ${TagLength}`);
          else t.equal(fieldOf(opened, 'Data'), hex(Data), `${name}: a tag of ${TagLength}`);
          const turned = {
            ...request,
            AuthenticatedEncryptionTag: flipBit(cut.AuthenticatedEncryptionTag, 90),
          };
          t.equal(
            failureOf(await client.request(version, Decrypt, turned)),
            decryptionFailed,
            `${name}: and turned`,
          );
        }
      }
    }
  }
});

t.test('modes refuse lengths of vectors and tags that they do not have', async (t) => {
  const rows = [
    ['AES', 'GCM', [0, 129, 256], [0, 1, 4, 8, 11, 17, 32, -1]],
    ['AES', 'CCM', [0, 1, 6, 14, 16], [0, 4, 6, 8, 10, 11, 13, 15, 18]],
    ['ChaCha20Poly1305', undefined, [0, 8, 11, 13, 16, 24], [0, 8, 17]],
    ['ChaCha20', undefined, [0, 1, 7, 9, 11, 13, 16, 24], []],
    ['AES', 'CBC', [0, 1, 8, 15, 17, 32], []],
    ['AES', 'CTR', [0, 8, 12, 15, 17, 32], []],
    ['AES', 'XTS', [0, 8, 12, 15, 17, 32], []],
    ['DES3', 'CBC', [0, 7, 9, 16], []],
  ] as const;
  for (const [algorithm, mode, lengths, tags] of rows) {
    const UniqueIdentifier = await client.registerKey(
      symmetric(counted(algorithm === 'DES3' ? 24 : 32), algorithm),
      'Encrypt',
      'Decrypt',
    );
    const parameters: CryptographicParameters = mode === undefined ? {} : { BlockCipherMode: mode };
    const tag = tags.length > 0 ? { AuthenticatedEncryptionTag: new Uint8Array(16) } : {};
    for (const version of testedVersions) {
      const asked = { UniqueIdentifier, Data: new Uint8Array(16) };
      for (const operation of [Encrypt, Decrypt]) {
        for (const length of lengths) {
          const IVCounterNonce = new Uint8Array(length);
          const request = { ...asked, IVCounterNonce, CryptographicParameters: parameters };
          const { reason } = await client.request(version, operation, {
            ...request,
            ...(operation === Decrypt && tag),
          });
          const expected = eraOf(version) === '1.x' ? 'InvalidField' : 'BadCryptographicParameters';
          t.equal(reason, expected, `${version} ${operation.name} ${algorithm} ${mode}: ${length} bytes`);
        }
        for (const TagLength of tags) {
          const request = { ...asked, CryptographicParameters: { ...parameters, TagLength } };
          const beside = operation === Decrypt ? { ...tag, IVCounterNonce: new Uint8Array(12) } : {};
          const { reason } = await client.request(version, operation, { ...request, ...beside });
          t.equal(reason, 'GeneralFailure', `${version} ${operation.name} ${mode}: a tag of ${TagLength}`);
        }
      }
    }
  }
});

t.test('key wrap rejects every changed bit, every other length and the other way of wrapping', async (t) => {
  const kek = counted(16);
  const UniqueIdentifier = await client.registerKey(symmetric(kek), 'Encrypt', 'Decrypt');
  const modes = ['NISTKeyWrap', 'AESKeyWrapPadding'] as const;
  for (const version of testedVersions) {
    for (const [at, BlockCipherMode] of modes.entries()) {
      const common = { UniqueIdentifier, CryptographicParameters: { BlockCipherMode } };
      const opened = async (Data: Uint8Array) =>
        failureOf(await client.request(version, Decrypt, { ...common, Data }));
      const wrong: Record<string, Uint8Array> = {};
      for (const length of [16, 24, 40]) {
        const plain = counted(length);
        const { payload } = await client.request(version, Encrypt, { ...common, Data: plain });
        const wrapped = payload['Data'] as Uint8Array;
        t.equal(
          fieldOf(await client.request(version, Decrypt, { ...common, Data: wrapped }), 'Data'),
          hex(plain),
        );
        for (let bit = 0; bit < wrapped.length * 8; bit += 5)
          wrong[`${length}: bit ${bit}`] = flipBit(wrapped, bit);
        for (let cut = 0; cut < wrapped.length; cut += 1)
          wrong[`${length}: ${cut} bytes`] = wrapped.slice(0, cut);
        for (const more of [1, 7, 8, 16])
          wrong[`${length}: ${more} more`] = concat(wrapped, new Uint8Array(more));
        const other = { ...common, CryptographicParameters: { BlockCipherMode: modes[1 - at] as never } };
        const made = await client.request(version, Encrypt, { ...other, Data: plain });
        wrong[`${length}: wrapped otherwise`] = made.payload['Data'] as Uint8Array;
      }
      if (BlockCipherMode === 'AESKeyWrapPadding') Object.assign(wrong, wronglyPadded(kek));
      for (const [how, Data] of Object.entries(wrong))
        t.equal(await opened(Data), decryptionFailed, `${version} ${BlockCipherMode}: ${how}`);
      const lengths = at === 0 ? [0, 1, 8, 15, 17, 23, 25] : [0];
      for (const length of lengths) {
        const { reason } = await client.request(version, Encrypt, { ...common, Data: counted(length) });
        t.equal(reason, 'CryptographicFailure', `${version} ${BlockCipherMode}: ${length} bytes of data`);
      }
    }
  }
});

/** RFC 5649 §3: what its unwrapping has to check once the initial value is there. */
function wronglyPadded(kek: Uint8Array): Record<string, Uint8Array> {
  /** The key wrap of RFC 3394 with an initial value of ours. */
  const wrap = (initial: number[], plain: number[]) =>
    plain.length === 8
      ? block(kek, Uint8Array.from([...initial, ...plain]))
      : new Uint8Array(
          createCipheriv('id-aes128-wrap', kek, Uint8Array.from(initial)).update(Uint8Array.from(plain)),
        );
  const constant = [0xa6, 0x59, 0x59, 0xa6];
  const text = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 0, 0, 0];
  return {
    'a length of 0': wrap([...constant, 0, 0, 0, 0], text),
    'a length too short for its blocks': wrap([...constant, 0, 0, 0, 8], text),
    'a length of one byte more than there is': wrap([...constant, 0, 0, 0, 17], text),
    'a length of 2 GiB': wrap([...constant, 0x80, 0, 0, 13], text),
    'a length of 4 GiB': wrap([...constant, 0xff, 0xff, 0xff, 0xff], text),
    'padding that is not zero': wrap([...constant, 0, 0, 0, 13], [...text.slice(0, 15), 1]),
    'the first byte of padding': wrap([...constant, 0, 0, 0, 13], [...text.slice(0, 13), 1, 0, 0]),
    'another constant': wrap([0xa6, 0x59, 0x59, 0xa7, 0, 0, 0, 13], text),
    'the constant of RFC 3394': wrap(new Array(8).fill(0xa6), text),
    'one block, a length of 0': wrap([...constant, 0, 0, 0, 0], new Array(8).fill(0)),
    'one block, a length of 9': wrap([...constant, 0, 0, 0, 9], new Array(8).fill(0)),
    'one block, padding that is not zero': wrap([...constant, 0, 0, 0, 7], [1, 2, 3, 4, 5, 6, 7, 8]),
    'one block, another constant': wrap(
      [...constant.toReversed().slice(1), 0, 0, 0, 0, 7],
      new Array(8).fill(0),
    ),
  };
}

function block(key: Uint8Array, plain: Uint8Array): Uint8Array {
  const cipher = createCipheriv('aes-128-ecb', key, null).setAutoPadding(false);
  return new Uint8Array(cipher.update(plain));
}

t.test('CBC gives one answer for every wrong padding and every cut', async (t) => {
  const key = counted(16);
  const UniqueIdentifier = await client.registerKey(symmetric(key), 'Encrypt', 'Decrypt');
  const fits: Record<string, (plain: Uint8Array, count: number) => boolean> = {
    PKCS5: (plain, count) => plain.slice(-count).every((byte) => byte === count),
    ANSIX9_23: (plain, count) => plain.slice(-count, -1).every((byte) => byte === 0),
    ISO10126: () => true,
  };
  for (const version of testedVersions) {
    for (const PaddingMethod of ['PKCS5', 'ANSIX9_23', 'ISO10126'] as const) {
      const common = { UniqueIdentifier, CryptographicParameters: { BlockCipherMode: 'CBC', PaddingMethod } };
      let accepted = 0;
      // The vector is the forger's: it turns the bits of the last block as he likes.
      for (let last = 0; last < 256; last += 1) {
        for (const before of [0, last]) {
          const plain = new Uint8Array(16).fill(before).fill(last, 15);
          const IVCounterNonce = new Uint8Array(16);
          const request = { ...common, IVCounterNonce, Data: block(key, plain) };
          const answer = await client.request(version, Decrypt, request);
          const good = last >= 1 && last <= 16 && fits[PaddingMethod]?.(plain, last) === true;
          const expected = good ? hex(plain.slice(0, 16 - last)) : decryptionFailed;
          t.equal(
            good ? fieldOf(answer, 'Data') : failureOf(answer),
            expected,
            `${PaddingMethod} ${last} ${before}`,
          );
          const inParts = await partsSaid(version, request);
          t.equal(inParts, expected, `${PaddingMethod} ${last} ${before} in parts`);
          if (good) accepted += 1;
        }
      }
      t.ok(accepted >= 16, `${PaddingMethod}: the right ones are taken`);
      for (let cut = 0; cut < 48; cut += 1) {
        if (cut === 16 || cut === 32) continue;
        const request = { ...common, IVCounterNonce: new Uint8Array(16), Data: counted(cut) };
        const name = `${version} ${PaddingMethod}: ${cut} bytes`;
        t.equal(failureOf(await client.request(version, Decrypt, request)), decryptionFailed, name);
      }
    }
  }
});

/** What decryption in two parts comes to. */
async function partsSaid(
  version: (typeof testedVersions)[number],
  request: { Data: Uint8Array },
): Promise<string> {
  const { Data, ...first } = request;
  const begun = await client.request(version, Decrypt, {
    ...first,
    Data: Data.slice(0, 9),
    InitIndicator: true,
  });
  if (begun.reason !== undefined) return failureOf(begun);
  const { CorrelationValue } = begun.payload;
  const { UniqueIdentifier } = request as unknown as { UniqueIdentifier: string };
  const rest = { UniqueIdentifier, CorrelationValue, Data: Data.slice(9), FinalIndicator: true };
  const ended = await client.request(version, Decrypt, rest);
  return ended.reason === undefined ? hex(begun.payload['Data']) + fieldOf(ended, 'Data') : failureOf(ended);
}
