import t from 'tap';
import type { KeyMaterial } from '../../../../codec/structures/key-block.ts';
import type { ManagedObjectValue } from '../../../../codec/structures/managed-objects.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import { CryptographicPolicy } from '../../../../src/crypto/policy/policy.ts';

const settings = { disabled: [], pkcs1Decryption: false, fips: false };
const withLegacy = (legacy: boolean) => new CryptographicPolicy({ ...settings, legacy }).restrict(nodeCrypto);

const parts = { A: 0x10, B: 0x26, C: 0x4a };
/** Every second byte has the other parity. */
const bytesOf = (name: string, parity = 0) =>
  Uint8Array.from(
    [...name].flatMap((part) =>
      Array.from({ length: 8 }, (_, at) => parts[part as 'A'] | ((parity * at) & 1)),
    ),
  );

const object = (KeyMaterial: KeyMaterial, KeyFormatType: 'Raw' | 'TransparentSymmetricKey' = 'Raw') =>
  ({
    type: 'SymmetricKey',
    value: {
      KeyBlock: {
        KeyFormatType,
        KeyValue: { KeyMaterial, Attributes: [] },
        CryptographicAlgorithm: 'DES3',
      },
    },
  }) as ManagedObjectValue;

t.test('keys of 3DES that are keys of DES come in with crypto.legacy only', async (t) => {
  const degenerate = { ABC: false, ABA: false, AB: false, AA: true, AAA: true, AAB: true, ABB: true };
  for (const [name, isRefused] of Object.entries(degenerate))
    for (const parity of [0, 1])
      for (const value of [
        object(bytesOf(name, parity)),
        object({ Key: bytesOf(name, parity) }, 'TransparentSymmetricKey'),
      ]) {
        await t.resolves(withLegacy(true).checkObject(value), name);
        if (isRefused) await t.rejects(withLegacy(false).checkObject(value), /two equal keys in a row/, name);
        else await t.resolves(withLegacy(false).checkObject(value), name);
      }
  // Equal but for their parity.
  const mixed = Uint8Array.of(...bytesOf('A', 0), ...bytesOf('A', 1), ...bytesOf('C'));
  await t.rejects(withLegacy(false).checkObject(object(mixed)), /two equal keys in a row/);
});
