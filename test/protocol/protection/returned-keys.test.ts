import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import type { KeyBlock } from '../../../codec/structures/key-block.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { versions as allVersions } from '../../../codec/version.ts';
import { JoinSplitKey } from '../../../src/operations/creation/join-split-key.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { Register } from '../../../src/operations/transfer/register.ts';
import { ask, having, succeed } from '../operations/ask.ts';
import {
  active,
  blockOf,
  counted,
  encryptWith,
  mask,
  parameters,
  register,
  secret,
  symmetric,
} from '../operations/transfer/wrapping-keys.ts';
import { TestService } from '../service.ts';
import { closedKey, sensitive } from './history.ts';
import { createWhole, methods, split, storedMaterial, wholes } from './split-inputs.ts';

const strict = await TestService.open();
const kmip = await TestService.open({ protection: 'kmip' });
t.teardown(() => Promise.all([strict.close(), kmip.close()]));
const kek = await closedKey(strict);
const outer = await closedKey(strict);

let imports = 0;
const importing = (Object: ManagedObjectValue, Attributes: readonly Attribute[] = []) =>
  ({ UniqueIdentifier: `r${imports++}`, KeyWrapType: 'NotWrapped', Attributes, Object }) as never;

/** The Key Block as an object of each type. */
const types: Readonly<Record<string, (KeyBlock: KeyBlock) => ManagedObjectValue>> = {
  SymmetricKey: (KeyBlock) => ({ type: 'SymmetricKey', value: { KeyBlock } }),
  PrivateKey: (KeyBlock) => ({ type: 'PrivateKey', value: { KeyBlock } }),
  PublicKey: (KeyBlock) => ({ type: 'PublicKey', value: { KeyBlock } }),
  SecretData: (KeyBlock) => ({ type: 'SecretData', value: { SecretDataType: 'Seed', KeyBlock } }),
  SplitKey: (KeyBlock) => ({
    type: 'SplitKey',
    value: { SplitKeyParts: 2, KeyPartIdentifier: 1, SplitKeyThreshold: 2, SplitKeyMethod: 'XOR', KeyBlock },
  }),
};

t.test('what was wrapped comes back as what it was', async (t) => {
  for (const [wrappedType, make] of wholes) {
    const id = await make(strict, sensitive);
    for (const EncodingOption of ['NoEncoding', 'TTLVEncoding'] as const) {
      // NIST key wrap takes whole blocks only.
      const params =
        EncodingOption === 'NoEncoding' ? ({ BlockCipherMode: 'AESKeyWrapPadding' } as const) : undefined;
      const block = await blockOf(strict, id, encryptWith(kek, { EncodingOption }, params));
      for (const [type, build] of Object.entries(types)) {
        for (const format of ['Raw', 'Opaque', 'PKCS_8', 'PKCS_1'] as const) {
          for (const option of ['NoEncoding', 'TTLVEncoding'] as const) {
            const KeyWrappingData = { ...block.KeyWrappingData, EncodingOption: option } as never;
            const changed = build({ ...block, KeyFormatType: format, KeyWrappingData });
            const { status, reason } = await ask(strict, '2.1', Import, importing(changed));
            const isSame =
              type === wrappedType && format === block.KeyFormatType && option === EncodingOption;
            const label = `${wrappedType} ${EncodingOption} as ${type} ${format} ${option}`;
            if (isSame) t.equal(status, 'Success', label);
            // Bytes that are no encoded Key Value are a failed unwrapping.
            else
              t.equal(
                reason,
                option === 'TTLVEncoding' && EncodingOption !== option
                  ? 'CryptographicFailure'
                  : 'InvalidField',
                label,
              );
          }
        }
      }
      for (const other of [{ CryptographicAlgorithm: 'HMAC_SHA256' }, { CryptographicLength: 8 }] as const) {
        const changed = (types[wrappedType] as (block: KeyBlock) => ManagedObjectValue)({
          ...block,
          ...other,
        });
        const { reason } = await ask(strict, '2.1', Import, importing(changed));
        // Secret Data have neither.
        const expected = wrappedType === 'SecretData' ? undefined : 'InvalidField';
        t.equal(reason, expected, `${wrappedType} ${Object.keys(other)}`);
      }
    }
  }
});

t.test('a wrapped key that is registered and wrapped again stays what it was', async (t) => {
  const id = await createWhole(strict, 'SymmetricKey', sensitive);
  const block = await blockOf(strict, id, encryptWith(kek));
  for (const [type, build] of Object.entries(types)) {
    const { UniqueIdentifier } = await succeed(strict, '2.1', Register, {
      ObjectType: type,
      Attributes: having(sensitive),
      Object: build(block),
    });
    const request = { UniqueIdentifier, KeyWrapType: 'NotWrapped', ...encryptWith(outer) };
    const { status, reason, payload } = await ask(strict, '2.1', Get, request as never);
    if (type !== 'SymmetricKey') {
      t.equal(reason, 'InvalidField', type);
      continue;
    }
    t.equal(status, 'Success', type);
    const wider = await ask(strict, '2.1', Import, importing(payload.Object, [mask('Decrypt', 'DeriveKey')]));
    t.equal(wider.reason, 'IncompatibleCryptographicUsageMask', 'it is known under the outer key too');
    const again = await ask(strict, '2.1', Import, importing(payload.Object));
    t.equal(again.status, 'Success', `again: ${again.message}`);
  }
});

t.test('a part that has left wrapped and comes back belongs to its set', async (t) => {
  for (const method of methods) {
    const key = await createWhole(strict, 'SymmetricKey', sensitive);
    const [first, second] = (await split(strict, key, method)) as [string, string];
    const { Object } = await succeed(strict, '2.1', Get, {
      UniqueIdentifier: first,
      ...encryptWith(kek),
    } as never);
    const forged = {
      ...Object,
      value: { ...(Object as { value: object }).value, KeyPartIdentifier: 2, SplitKeyMethod: 'XOR' },
    };
    for (const returned of [Object, forged]) {
      const { id, message } = await ask(strict, '2.1', Import, importing(returned as ManagedObjectValue));
      t.ok(id, `${method}: ${message}`);
      const joined = await ask(strict, '2.1', JoinSplitKey, {
        ObjectType: 'SymmetricKey',
        UniqueIdentifier: [second, id as string],
        Attributes: having(),
      });
      t.equal(joined.status, 'Success', `${method}: ${joined.message}`);
      t.same(await storedMaterial(strict, joined.id as string), await storedMaterial(strict, key));
    }
  }
});

const dated = (
  name: 'ProtectStopDate' | 'ProcessStartDate' | 'DeactivationDate' | 'ActivationDate',
  value: number,
) => ({ name, value }) as Attribute;
const limited = (total: bigint) =>
  ({
    name: 'UsageLimits',
    value: { UsageLimitsTotal: total, UsageLimitsCount: total, UsageLimitsUnit: 'Byte' },
  }) as Attribute;
const stateOf = (value: 'PreActive' | 'Active' | 'Deactivated') => ({ name: 'State', value }) as Attribute;
const far = 4_000_000_000;

/** Attributes inside the Key Value, what a request may state beside them, and what it may not. */
const bound: readonly (readonly [
  inside: Attribute,
  allowed: readonly Attribute[],
  refused: readonly Attribute[],
])[] = [
  [mask('Encrypt', 'Decrypt'), [mask('Encrypt')], [mask('Encrypt', 'WrapKey'), mask('DeriveKey')]],
  [sensitive, [sensitive], [{ name: 'Sensitive', value: false }]],
  [{ name: 'Extractable', value: true }, [{ name: 'Extractable', value: false }], []],
  [dated('ActivationDate', 5_000), [dated('ActivationDate', 6_000)], [dated('ActivationDate', 4_000)]],
  [dated('ProcessStartDate', 6_000), [dated('ProcessStartDate', 7_000)], [dated('ProcessStartDate', 5_500)]],
  [dated('ProtectStopDate', far), [dated('ProtectStopDate', far - 1)], [dated('ProtectStopDate', far + 1)]],
  [
    dated('DeactivationDate', far + 9),
    [dated('DeactivationDate', far + 9)],
    [dated('DeactivationDate', far + 10)],
  ],
  [limited(10n), [limited(9n)], [limited(11n)]],
  [
    parameters({ BlockCipherMode: 'GCM', TagLength: 16 }),
    [
      parameters({ BlockCipherMode: 'GCM', TagLength: 16 }),
      parameters({ BlockCipherMode: 'GCM', TagLength: 16, RandomIV: true }),
    ],
    [parameters({ BlockCipherMode: 'GCM' }), parameters({ BlockCipherMode: 'ECB' })],
  ],
  [stateOf('PreActive'), [stateOf('PreActive'), stateOf('Deactivated')], [stateOf('Active')]],
  [{ name: 'ObjectType', value: 'SymmetricKey' }, [], [{ name: 'ObjectType', value: 'SecretData' }]],
  [{ name: 'CryptographicAlgorithm', value: 'AES' }, [], [{ name: 'CryptographicAlgorithm', value: 'DES3' }]],
  [{ name: 'CryptographicLength', value: 256 }, [], [{ name: 'CryptographicLength', value: 128 }]],
];

t.test('attributes that were wrapped with a key bind what the request states', async (t) => {
  for (const [service, mode] of [
    [strict, 'strict'],
    [kmip, 'kmip'],
  ] as const) {
    const wrapper = await closedKey(service);
    for (const [inside, allowed, refused] of bound) {
      const own = ['ObjectType', 'CryptographicAlgorithm', 'CryptographicLength', 'State'].includes(
        inside.name,
      )
        ? []
        : [inside];
      const id = await register(service, symmetric(counted(32)), ...own);
      const request = encryptWith(wrapper, { AttributeName: [{ name: inside.name }] });
      const { Object } = await succeed(service, '2.1', Get, { UniqueIdentifier: id, ...request } as never);
      for (const version of allVersions.filter((each) => each >= '1.4')) {
        for (const [stated, isRefused] of [
          ...allowed.map((each) => [[each], false] as const),
          ...refused.map((each) => [[each], mode === 'strict'] as const),
          // Of several values of one attribute the last counts.
          ...refused.flatMap((each) => allowed.map((first) => [[first, each], mode === 'strict'] as const)),
        ]) {
          if (inside.name === 'ObjectType' && mode === 'kmip') continue;
          const { reason, message } = await ask(service, version, Import, importing(Object, stated));
          const label = `${mode} ${version} ${inside.name}: ${message}`;
          const expected = version === '1.4' ? 'InvalidField' : 'InvalidAttributeValue';
          t.equal(reason, isRefused ? expected : undefined, label);
        }
      }
    }
  }
});

t.test(
  'an Object Type outside contradicts the one inside, for keys that are not protected too',
  async (t) => {
    const id = await register(strict, secret(counted(32)), active);
    const request = encryptWith(kek, { AttributeName: [{ name: 'ObjectType' }] });
    const block = await blockOf(strict, id, request);
    for (const [type, build] of Object.entries(types)) {
      const { reason } = await ask(strict, '2.1', Import, importing(build(block)));
      const other = type === 'SymmetricKey' ? 'InvalidAttributeValue' : 'InvalidField';
      t.equal(reason, type === 'SecretData' ? undefined : other, type);
    }
  },
);
