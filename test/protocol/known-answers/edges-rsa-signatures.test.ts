import t from 'tap';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { applyMask } from '../../../src/crypto/hashes/mask-generation.ts';
import { nodeCrypto } from '../../../src/crypto/node/node.ts';
import { encodePss } from '../../../src/crypto/signatures/pss.ts';
import { SignatureVerify } from '../../../src/operations/cryptography/signature-verify.ts';
import { concat, encodeItem, flipBit, toBytes, toNumber } from './edges.ts';
import { cutLeadingZero, fillBlock, generateRsaKeys, type RsaKey } from './edges-rsa-keys.ts';
import { testedVersions, VectorClient } from './vector-client.ts';

/** RSA signatures that only a careless reader takes. */

const client = await VectorClient.open(t);
const keys = await generateRsaKeys(client);
const data = new TextEncoder().encode('seventeen bytes..');
const digest = nodeCrypto.digest('SHA_256', data);
const sha256 = [6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1];
const sha1 = [6, 5, 0x2b, 0x0e, 3, 2, 0x1a];
const none = [5, 0];
const info = (algorithm: readonly number[], hash: Uint8Array, ...behind: (readonly number[])[]) =>
  encodeItem(0x30, encodeItem(0x30, algorithm), encodeItem(4, hash), ...behind);

t.test('PKCS #1 v1.5 rejects signatures of blocks that differ from RFC 8017 §9.2', async (t) => {
  const good = info([...sha256, ...none], digest);
  const parameters = { PaddingMethod: 'PKCS1V1_5', HashingAlgorithm: 'SHA_256' } as const;
  for (const key of keys) {
    const room = key.bytes - 11 - good.length;
    const short = (count: number, rest: Uint8Array) =>
      concat(
        [0, 1],
        new Uint8Array(count).fill(0xff),
        [0],
        rest,
        new Uint8Array(key.bytes - count - 3 - rest.length),
      );
    const signature = key.signed(fillBlock(key.bytes, good));
    const blocks: Record<string, Uint8Array> = {
      'no NULL': fillBlock(key.bytes, info(sha256, digest)),
      'a NULL in long form': fillBlock(key.bytes, info([...sha256, 5, 0x81, 0], digest)),
      'a NULL with content': fillBlock(key.bytes, info([...sha256, 5, 1, 0], digest)),
      'parameters that are no NULL': fillBlock(key.bytes, info([...sha256, 4, 0], digest)),
      'garbage in the parameters': fillBlock(
        key.bytes,
        info([...sha256, 5, 0, 4, 8, 1, 2, 3, 4, 5, 6, 7, 8], digest),
      ),
      'a second NULL': fillBlock(key.bytes, info([...sha256, ...none, ...none], digest)),
      'another hash named': fillBlock(key.bytes, info([...sha1, ...none], digest)),
      'SHA-1 of the data': fillBlock(key.bytes, info([...sha1, ...none], nodeCrypto.digest('SHA_1', data))),
      'SHA-384 of the data': fillBlock(
        key.bytes,
        info([6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2, ...none], nodeCrypto.digest('SHA_384', data)),
      ),
      'the digest without a name': fillBlock(key.bytes, digest),
      'the digest of an OCTET STRING alone': fillBlock(key.bytes, encodeItem(4, digest)),
      'a length in long form outside': fillBlock(key.bytes, concat([0x30, 0x81], good.slice(1))),
      'a length in longer form outside': fillBlock(key.bytes, concat([0x30, 0x82, 0], good.slice(1))),
      'a length in long form around the name': fillBlock(
        key.bytes,
        encodeItem(0x30, [0x30, 0x81, 13, ...sha256, ...none], encodeItem(4, digest)),
      ),
      'a length in long form before the digest': fillBlock(
        key.bytes,
        encodeItem(0x30, encodeItem(0x30, sha256, none), [4, 0x81, 32], digest),
      ),
      'an indefinite length': fillBlock(key.bytes, concat([0x30, 0x80], good.slice(2), [0, 0])),
      'garbage behind the digest, inside': fillBlock(
        key.bytes,
        info([...sha256, ...none], digest, [1, 2, 3]),
      ),
      'garbage behind it': fillBlock(key.bytes, concat(good, [1, 2, 3])),
      'zeros behind it': fillBlock(key.bytes, concat(good, [0, 0])),
      'the digest cut': fillBlock(key.bytes, info([...sha256, ...none], digest.slice(0, -1))),
      'a byte behind the digest': fillBlock(key.bytes, info([...sha256, ...none], concat(digest, [0]))),
      'a SET in place of the SEQUENCE': fillBlock(key.bytes, concat([0x31], good.slice(1))),
      'the digest as a BIT STRING': fillBlock(
        key.bytes,
        encodeItem(0x30, encodeItem(0x30, sha256, none), encodeItem(3, [0], digest)),
      ),
      'block type 0': fillBlock(key.bytes, good, 0, 0),
      'block type 0, ones': fillBlock(key.bytes, good, 0),
      'block type 2': fillBlock(key.bytes, good, 2, 0x55),
      'one byte of padding that is not 255': fillBlock(key.bytes, good).map((byte, at) =>
        at === 9 ? 0xfe : byte,
      ),
      'padding of zeros': fillBlock(key.bytes, good, 1, 0),
      'a separator that is not 0': fillBlock(key.bytes, good).map((byte, at) =>
        at === key.bytes - good.length - 1 ? 1 : byte,
      ),
      'padding of 8 bytes, the rest behind (Bleichenbacher 2006)': short(8, good),
      'no padding, the rest behind': short(0, good),
      ...(room > 8 ? { 'half the padding, the rest behind': short(8 + (room >> 1), good) } : {}),
      'no separator': concat([0, 1], new Uint8Array(key.bytes - good.length - 2).fill(0xff), good),
      'the digest of other data': fillBlock(key.bytes, info([...sha256, ...none], flipBit(digest, 0))),
      'the block of PSS': encodePss(key.bits, { hash: 'SHA_256', maskHash: 'SHA_256' }, digest),
    };
    const wrong = { ...signatures(key, blocks), ...around(key, signature) };
    await judge(t, key, parameters, signature, wrong);
  }
});

t.test('PSS rejects wrong salts, trailers and superfluous bits', async (t) => {
  for (const key of keys) {
    for (const [maskHash, SaltLength] of [
      ['SHA_256', 32],
      ['SHA_1', 32],
      ['SHA_256', 0],
      ['SHA_256', undefined],
    ] as const) {
      const parameters = {
        PaddingMethod: 'PSS',
        HashingAlgorithm: 'SHA_256',
        MaskGenerator: 'MGF1',
        MaskGeneratorHashingAlgorithm: maskHash,
        ...(SaltLength === undefined ? {} : { SaltLength }),
      } as const;
      const pss = { hash: 'SHA_256', maskHash, saltLength: SaltLength ?? 20 } as const;
      const block = encodePss(key.bits, pss, digest);
      const at = (index: number, byte: number) => block.map((old, n) => (n === index ? byte : old));
      const whole = block.length - Math.ceil((key.bits - 1) / 8);
      const under = (change: (plain: Uint8Array) => void) => unmasked(block, key.bits, maskHash, change);
      const saltAt = block.length - whole - 33 - pss.saltLength;
      const blocks: Record<string, Uint8Array> = {
        ...(SaltLength === undefined
          ? {}
          : {
              'a salt of one byte less': encodePss(
                key.bits,
                { ...pss, saltLength: Math.max(SaltLength - 1, 1) },
                digest,
              ),
              'a salt of one byte more': encodePss(key.bits, { ...pss, saltLength: SaltLength + 1 }, digest),
              'the longest salt': encodePss(key.bits, { ...pss, saltLength: key.bytes - whole - 34 }, digest),
            }),
        'the mask of another hash': encodePss(key.bits, { ...pss, maskHash: 'SHA_384' }, digest),
        'another hash': encodePss(
          key.bits,
          { ...pss, hash: 'SHA_512', saltLength: 20 },
          nodeCrypto.digest('SHA_512', data),
        ),
        'another digest': encodePss(key.bits, pss, flipBit(digest, 3)),
        'a trailer of 0': at(block.length - 1, 0),
        'the trailer of other hashes (ISO 9796-2)': at(block.length - 1, 0xcc),
        'a trailer of 188 with a bit turned': at(block.length - 1, 0xbd),
        'the first bit of the stored digest': flipBit(block, (block.length - 33) * 8),
        'the last bit of the stored digest': flipBit(block, (block.length - 1) * 8 - 1),
        'a byte before the separator': under((plain) => plain.set([plain[0] as number, 1], 0)),
        'a separator of 2': under((plain) => plain.set([2], saltAt - 1)),
        'no separator': under((plain) => plain.fill(0, 0, saltAt)),
        'zeros under the mask': under((plain) => plain.fill(0)),
        ...(pss.saltLength > 0
          ? { 'a bit of the salt': under((plain) => plain.set([(plain[saltAt] as number) ^ 1], saltAt)) }
          : {}),
        'the digest with PKCS #1 v1.5': fillBlock(key.bytes, info([...sha256, ...none], digest)),
      };
      const signature = key.signed(block);
      const fresh = () => key.signed(encodePss(key.bits, pss, digest));
      const wrong = { ...signatures(key, blocks), ...around(key, signature), ...cutLeadingZero(key, fresh) };
      await judge(t, key, parameters, signature, wrong);
    }
  }
});

type Tap = { equal(a: unknown, b: unknown, message: string): unknown };

/** Signatures whose blocks these are: those that are no number below the modulus cannot be made. */
function signatures(key: RsaKey, blocks: Record<string, Uint8Array>): Record<string, Uint8Array> {
  return Object.fromEntries(
    Object.entries(blocks).flatMap(([how, block]) =>
      block.length === key.bytes && toNumber(block) < key.modulus ? [[how, key.signed(block)]] : [],
    ),
  );
}

/** What is wrong with the signature as a number, whatever its padding. */
function around({ bytes, modulus, bits }: RsaKey, signature: Uint8Array): Record<string, Uint8Array> {
  const added = toBytes(toNumber(signature) + modulus);
  return {
    nothing: new Uint8Array(),
    zero: new Uint8Array(bytes),
    one: toBytes(1n, bytes),
    'the modulus less 1': toBytes(modulus - 1n, bytes),
    'the modulus': toBytes(modulus, bytes),
    'the modulus and 1': toBytes(modulus + 1n, bytes),
    'all ones': new Uint8Array(bytes).fill(0xff),
    [`the modulus of ${bits} bits added`]: added,
    'a zero in front': concat([0], signature),
    'a zero behind': concat(signature, [0]),
    'the first byte cut': signature.slice(1),
    'the last byte cut': signature.slice(0, -1),
    twice: concat(signature, signature),
    'the first bit': flipBit(signature, 0),
    'the last bit': flipBit(signature, bytes * 8 - 1),
    'one byte': Uint8Array.of(1),
  };
}

/** The block with its mask off, changed, and its mask on again. */
function unmasked(
  block: Uint8Array,
  bits: number,
  maskHash: 'SHA_256' | 'SHA_1',
  change: (plain: Uint8Array) => void,
): Uint8Array {
  const changed = block.slice();
  const encoded = Math.ceil((bits - 1) / 8);
  const masked = changed.subarray(changed.length - encoded, -33);
  const seed = changed.slice(-33, -1);
  const above = 0xff >> (encoded * 8 - (bits - 1));
  applyMask(masked, seed, maskHash);
  masked[0] = (masked[0] as number) & above;
  change(masked);
  applyMask(masked, seed, maskHash);
  masked[0] = (masked[0] as number) & above;
  return changed;
}

async function judge(
  t: Tap,
  key: RsaKey,
  CryptographicParameters: CryptographicParameters,
  good: Uint8Array,
  wrong: Record<string, Uint8Array>,
): Promise<void> {
  for (const version of testedVersions) {
    for (const message of [{ Data: data }, { DigestedData: digest }]) {
      const request = { UniqueIdentifier: key.publicId, CryptographicParameters, ...message };
      const verdict = async (SignatureData: Uint8Array) => {
        const { reason, payload } = await client.request(version, SignatureVerify, {
          ...request,
          SignatureData,
        });
        return reason ?? payload['ValidityIndicator'];
      };
      const { PaddingMethod, MaskGeneratorHashingAlgorithm: mask, SaltLength } = CryptographicParameters;
      const name = `${version} ${key.bits} ${PaddingMethod} ${mask} ${SaltLength} ${Object.keys(message)}`;
      t.equal(await verdict(good), 'Valid', name);
      for (const [how, signature] of Object.entries(wrong))
        t.equal(await verdict(signature), 'Invalid', `${name}: ${how}`);
    }
  }
}
