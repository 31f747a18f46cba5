import t from 'tap';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { applyMask } from '../../../src/crypto/hashes/mask-generation.ts';
import { nodeCrypto } from '../../../src/crypto/node/node.ts';
import { Decrypt } from '../../../src/operations/cryptography/decrypt.ts';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { concat, flipBit, toBytes, toNumber } from './edges.ts';
import { cutLeadingZero, generateRsaKeys } from './edges-rsa-keys.ts';
import { decryptionFailed, failureOf, fieldOf, hex, testedVersions, VectorClient } from './vector-client.ts';

/** OAEP blocks that are wrong under their mask or around it: one answer to all of them. */

const client = await VectorClient.open(t);
const keys = await generateRsaKeys(client);
const data = new TextEncoder().encode('seventeen bytes..');

t.test('OAEP gives one answer for every fault under the mask or around it', async (t) => {
  const label = new TextEncoder().encode('label');
  for (const key of keys) {
    for (const [hash, maskHash] of [
      ['SHA_256', 'SHA_256'],
      ['SHA_256', 'SHA_1'],
      ['SHA_1', 'SHA_256'],
    ] as const) {
      const parameters: CryptographicParameters = {
        PaddingMethod: 'OAEP',
        HashingAlgorithm: hash,
        MaskGenerator: 'MGF1',
        MaskGeneratorHashingAlgorithm: maskHash,
        PSource: label,
      };
      const hashBytes = nodeCrypto.digest(hash, label).length;
      const crafted = (change: (first: Uint8Array, rest: Uint8Array) => void, filling = 7) => {
        const block = new Uint8Array(key.bytes);
        const seed = block.subarray(1, 1 + hashBytes).fill(filling);
        const rest = block.subarray(1 + hashBytes);
        rest.set(nodeCrypto.digest(hash, label));
        rest.set([1, ...data], rest.length - data.length - 1);
        const front = Uint8Array.of(0);
        change(front, rest);
        applyMask(rest, seed, maskHash);
        applyMask(seed, rest, maskHash);
        block.set(front);
        return key.encrypted(block);
      };
      const good = crafted(() => {});
      const small = toBytes(toNumber(good) + key.modulus);
      const separator = -data.length - 1;
      const wrong: Record<string, Uint8Array> = {
        // A first byte that is not 0 must stay below the modulus.
        ...(key.bits % 8 === 0 ? { 'a first byte of 1': crafted((first) => first.fill(1)) } : {}),
        'the hash of another label': crafted((_, rest) =>
          rest.set(nodeCrypto.digest(hash, new Uint8Array())),
        ),
        'the first bit of the hash': crafted((_, rest) => rest.set([(rest[0] as number) ^ 0x80])),
        'the last bit of the hash': crafted((_, rest) => {
          rest[hashBytes - 1] = (rest[hashBytes - 1] as number) ^ 1;
        }),
        'zeros for the hash': crafted((_, rest) => rest.fill(0, 0, hashBytes)),
        'a byte of 2 where zeros belong': crafted((_, rest) => rest.fill(2, hashBytes, hashBytes + 1)),
        'a separator of 2': crafted((_, rest) => rest.fill(2, separator, separator + 1)),
        'a separator of 0': crafted((_, rest) => rest.fill(0, separator)),
        'a separator of 255': crafted((_, rest) => rest.fill(255, separator, separator + 1)),
        'nothing but zeros': crafted((_, rest) => rest.fill(0)),
        'the block 0': new Uint8Array(key.bytes),
        'the block 1': toBytes(1n, key.bytes),
        'the modulus less 1': toBytes(key.modulus - 1n, key.bytes),
        'the modulus': toBytes(key.modulus, key.bytes),
        'the modulus and 1': toBytes(key.modulus + 1n, key.bytes),
        'all ones': new Uint8Array(key.bytes).fill(0xff),
        'the modulus added': small,
        'a zero in front': concat([0], good),
        'a zero behind': concat(good, [0]),
        'a byte less': good.slice(0, -1),
        'one byte': Uint8Array.of(1),
        nothing: new Uint8Array(),
        'two of it': concat(good, good),
        'one bit turned': flipBit(good, key.bytes * 8 - 1),
        ...cutLeadingZero(key, (attempt) => crafted(() => {}, attempt)),
        'PKCS #1 v1.5': key.encrypted(
          concat([0, 2], new Uint8Array(key.bytes - data.length - 3).fill(9), [0], data),
        ),
      };
      for (const version of testedVersions) {
        const name = `${version} ${key.bits} bits ${hash} ${maskHash}`;
        const opened = (Data: Uint8Array, CryptographicParameters = parameters) =>
          client.request(version, Decrypt, {
            UniqueIdentifier: key.privateId,
            CryptographicParameters,
            Data,
          });
        t.equal(fieldOf(await opened(good), 'Data'), hex(data), name);
        for (const [how, sealed] of Object.entries(wrong))
          t.equal(failureOf(await opened(sealed)), decryptionFailed, `${name}: ${how}`);
        for (const [how, change] of Object.entries({
          'no label': { PSource: undefined },
          'an empty label': { PSource: new Uint8Array() },
          'a longer label': { PSource: concat(label, [0]) },
          'another hash': { HashingAlgorithm: 'SHA_384' },
          'another mask': { MaskGeneratorHashingAlgorithm: 'SHA_224' },
        } as const))
          t.equal(
            failureOf(await opened(good, { ...parameters, ...change } as never)),
            decryptionFailed,
            `${name}: ${how}`,
          );
        const longest = key.bytes - 2 * hashBytes - 2;
        const encrypted = (length: number) =>
          client.request(version, Encrypt, {
            UniqueIdentifier: key.publicId,
            CryptographicParameters: parameters,
            Data: new Uint8Array(length),
          });
        for (const length of [0, longest]) {
          const { payload } = await encrypted(length);
          t.equal(
            fieldOf(await opened(payload['Data'] as Uint8Array), 'Data'),
            '00'.repeat(length),
            `${name}: ${length}`,
          );
        }
        t.equal((await encrypted(longest + 1)).reason, 'CryptographicFailure', `${name}: too long`);
      }
    }
  }
});
