import t from 'tap';
import type { CryptographicAlgorithm, HashingAlgorithm } from '../../../codec/enums.ts';
import { Hash } from '../../../src/operations/cryptography/hash.ts';
import { MAC } from '../../../src/operations/cryptography/mac.ts';
import { MACVerify } from '../../../src/operations/cryptography/mac-verify.ts';
import { symmetric } from '../operations/transfer/wrapping-keys.ts';
import { fieldOf, hex, testedVersions, VectorClient } from './vector-client.ts';
import { readVectors } from './vectors.ts';

const client = await VectorClient.open(t);

t.test('digests are as published, whole and in parts', async (t) => {
  for (const vector of readVectors('digests.txt')) {
    const CryptographicParameters = {
      HashingAlgorithm: vector.requireText<HashingAlgorithm & string>('Hash'),
    };
    const request = { CryptographicParameters, Data: vector.bytes('Message') };
    const expected = hex(vector.bytes('Digest'));
    for (const version of testedVersions) {
      const made = await client.request(version, Hash, request);
      t.equal(fieldOf(made, 'Data'), expected, `${version} ${vector.name}`);
      const parts = await client.requestInParts(version, Hash, request);
      t.equal(hex(parts.last['Data']), expected, `${version} ${vector.name}: in parts`);
    }
  }
});

t.test('MACs are computed and verified, whole and in parts; changed and cut ones are rejected', async (t) => {
  for (const vector of readVectors('macs.txt')) {
    const algorithm = vector.requireText<CryptographicAlgorithm & string>('Algorithm');
    const UniqueIdentifier = await client.registerKey(
      symmetric(vector.bytes('Key'), algorithm),
      'MACGenerate',
      'MACVerify',
    );
    const request = { UniqueIdentifier, Data: vector.bytes('Message') };
    const MACData = vector.bytes('MAC');
    for (const version of testedVersions) {
      const made = await client.request(version, MAC, request);
      t.equal(fieldOf(made, 'MACData'), hex(MACData), `${version} ${vector.name}`);
      const parts = await client.requestInParts(version, MAC, request);
      t.equal(hex(parts.last['MACData']), hex(MACData), `${version} ${vector.name}: in parts`);
      const verdict = async (given: Uint8Array) => {
        const { reason, payload } = await client.request(version, MACVerify, {
          ...request,
          MACData: given,
        });
        const checked = await client.requestInParts(version, MACVerify, request, { MACData: given });
        t.equal(checked.last['ValidityIndicator'], payload['ValidityIndicator'], `${vector.name}: in parts`);
        return reason ?? payload['ValidityIndicator'];
      };
      t.equal(await verdict(MACData), 'Valid', `${version} ${vector.name}: verified`);
      for (const [how, wrong] of Object.entries(variations(MACData)))
        t.equal(await verdict(wrong), 'Invalid', `${version} ${vector.name}: ${how}`);
    }
  }
});

/** MACs that are not the right one. */
function variations(mac: Uint8Array): Record<string, Uint8Array> {
  const flipped = (at: number, bit: number) => mac.map((byte, n) => (n === at ? byte ^ bit : byte));
  return {
    'its first bit': flipped(0, 0x80),
    'its last bit': flipped(mac.length - 1, 1),
    'one bit in its middle': flipped(mac.length >> 1, 0x10),
    'without its last byte': mac.slice(0, -1),
    'its first half': mac.slice(0, mac.length / 2),
    'one byte of it': mac.slice(0, 1),
    'with a byte behind it': Uint8Array.from([...mac, 0]),
    'with a byte before it': Uint8Array.from([0, ...mac]),
    twice: Uint8Array.from([...mac, ...mac]),
    zeros: new Uint8Array(mac.length),
    nothing: new Uint8Array(),
  };
}
