import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import type { KeyBlock } from '../../../codec/structures/key-block.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { JoinSplitKey } from '../../../src/operations/creation/join-split-key.ts';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { Activate } from '../../../src/operations/lifecycle/activate.ts';
import { Destroy } from '../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../src/operations/lifecycle/revoke.ts';
import { Export } from '../../../src/operations/transfer/export.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { withLimits } from '../keys.ts';
import { aes, ask, attributeOf, having, succeed } from '../operations/ask.ts';
import {
  active,
  counted,
  encryptWith,
  mask,
  parameters,
  symmetric,
} from '../operations/transfer/wrapping-keys.ts';
import { TestService } from '../service.ts';
import { closedKey, sensitive } from './history.ts';
import { split } from './split-inputs.ts';

const service = await TestService.open();
t.teardown(() => service.close());
const kek = await closedKey(service);
const divisible = (
  await succeed(service, '2.1', Create, {
    ObjectType: 'SymmetricKey',
    Attributes: having(...aes.slice(0, 2), sensitive, active, mask('WrapKey', 'UnwrapKey', 'Export')),
  })
).UniqueIdentifier;

const uses = mask('Encrypt', 'Export');
const create = async (...attributes: readonly Attribute[]) =>
  (
    await succeed(service, '2.1', Create, {
      ObjectType: 'SymmetricKey',
      Attributes: having(...aes.slice(0, 2), sensitive, ...attributes),
    })
  ).UniqueIdentifier;

let imports = 0;
async function importAs(Object: ManagedObjectValue, stated: readonly Attribute[]) {
  const request = {
    UniqueIdentifier: `copy-${imports++}`,
    KeyWrapType: 'NotWrapped',
    Attributes: stated,
    Object,
  };
  return ask(service, '2.1', Import, request as never);
}

interface Copier {
  readonly name: string;
  /** Takes what is needed to copy a key, and returns the function that makes the copy. */
  prepare(id: string): Promise<(...stated: readonly Attribute[]) => ReturnType<typeof importAs>>;
}

/** Names another key of the same bytes as the one that unwraps. */
function unwrappedBy(wrapped: ManagedObjectValue, id: string): ManagedObjectValue {
  const { KeyBlock } = wrapped.value as { KeyBlock: KeyBlock };
  const KeyWrappingData = { ...KeyBlock.KeyWrappingData, EncryptionKeyInformation: { UniqueIdentifier: id } };
  return { ...wrapped, value: { ...wrapped.value, KeyBlock: { ...KeyBlock, KeyWrappingData } } } as never;
}

async function wrap(UniqueIdentifier: string, by: string): Promise<ManagedObjectValue> {
  const request = { UniqueIdentifier, ...encryptWith(by) };
  return (await succeed(service, '2.1', Get, request as never)).Object as ManagedObjectValue;
}

/** Second objects of a closed key, which are not closed themselves. */
const unclosed = {
  wrapped: (await importAs(await wrap(divisible, kek), [active])).id as string,
  joined: (
    await succeed(service, '2.1', JoinSplitKey, {
      ObjectType: 'SymmetricKey',
      UniqueIdentifier: await split(service, divisible, 'XOR'),
      Attributes: having(active),
    })
  ).UniqueIdentifier,
};

/** Every way to a second object with the bytes of a sensitive key. */
const copiers: readonly Copier[] = [
  ...[Get, Export].flatMap((operation) =>
    (['NoEncoding', 'TTLVEncoding'] as const).flatMap((EncodingOption) =>
      (['Raw', 'TransparentSymmetricKey'] as const)
        .filter((format) => format === 'Raw' || EncodingOption === 'TTLVEncoding')
        .map((KeyFormatType) => ({
          name: `${operation.name} under a closed key, ${EncodingOption}, ${KeyFormatType}`,
          async prepare(UniqueIdentifier: string) {
            const request = { UniqueIdentifier, KeyFormatType, ...encryptWith(kek, { EncodingOption }) };
            const answer = await succeed(service, '2.1', operation, request as never);
            return (...stated: readonly Attribute[]) => importAs(answer.Object as ManagedObjectValue, stated);
          },
        })),
    ),
  ),
  ...Object.entries(unclosed).map(([how, unwrapping]) => ({
    name: `unwrapped by a copy of the closed key that was ${how}`,
    async prepare(id: string) {
      const value = unwrappedBy(await wrap(id, divisible), unwrapping);
      return (...stated: readonly Attribute[]) => importAs(value, stated);
    },
  })),
  {
    name: 'Create and Join Split Key',
    async prepare(id) {
      const UniqueIdentifier = await split(service, id, 'PolynomialSharingGF2_8');
      return (...stated) =>
        ask(service, '2.1', JoinSplitKey, {
          ObjectType: 'SymmetricKey',
          UniqueIdentifier,
          Attributes: having(...stated),
        }) as never;
    },
  },
];

async function revoke(UniqueIdentifier: string, RevocationReasonCode: 'KeyCompromise' | 'Superseded') {
  await succeed(service, '2.1', Revoke, { UniqueIdentifier, RevocationReason: { RevocationReasonCode } });
}
async function destroy(UniqueIdentifier: string) {
  await revoke(UniqueIdentifier, 'Superseded');
  await succeed(service, '2.1', Destroy, { UniqueIdentifier });
}
async function destroyCompromised(UniqueIdentifier: string) {
  await revoke(UniqueIdentifier, 'KeyCompromise');
  await succeed(service, '2.1', Destroy, { UniqueIdentifier });
}
const stateOf = (id: string) => attributeOf(service, id, 'State');
const limitsOf = (id: string) => attributeOf(service, id, 'UsageLimits');

for (const { name, prepare } of copiers) {
  t.test(`a copy has at most the uses of its source: ${name}`, async (t) => {
    const id = await create(
      uses,
      active,
      parameters({ BlockCipherMode: 'GCM', RandomIV: true, TagLength: 16 }),
    );
    const copy = await prepare(id);
    for (const wider of [
      ['Decrypt'],
      ['Encrypt', 'Decrypt'],
      ['WrapKey'],
      ['DeriveKey'],
      ['Unrestricted'],
    ] as const) {
      const { reason } = await copy(mask(...wider));
      t.equal(reason, 'IncompatibleCryptographicUsageMask', wider.join(' '));
    }
    for (const stated of [[], [mask('Encrypt')], [active, parameters({ BlockCipherMode: 'CTR' })]]) {
      const made = await copy(...stated);
      const expected = stated[0]?.name === 'CryptographicUsageMask' ? stated[0] : uses;
      t.equal(
        await attributeOf(service, made.id as string, 'CryptographicUsageMask'),
        expected.value,
        `stated ${stated.length}`,
      );
      t.match(await attributeOf(service, made.id as string, 'CryptographicParameters'), {
        BlockCipherMode: 'GCM',
      });
      t.equal(await attributeOf(service, made.id as string, 'Sensitive'), true);
    }
  });

  t.test(`a copy ends when its source ends: ${name}`, async (t) => {
    const [start, stop, end] = [3_000, 4_000_000_000, 5_000_000_000];
    const dates = [
      { name: 'ProcessStartDate', value: start },
      { name: 'ProtectStopDate', value: stop },
      { name: 'DeactivationDate', value: end },
    ] as const;
    const copy = await prepare(await create(uses, active, ...dates));
    const later = dates.map(
      (date) => ({ ...date, value: date.value + (date.name === 'ProcessStartDate' ? -1 : 1) }) as Attribute,
    );
    const sooner = dates.map(
      (date) => ({ ...date, value: date.value + (date.name === 'ProcessStartDate' ? 1 : -1) }) as Attribute,
    );
    for (const [stated, expected] of [
      [[], dates],
      [later, dates],
      [sooner, sooner],
    ] as const) {
      const { id } = await copy(active, ...stated);
      for (const { name: date, value } of expected)
        t.equal(await attributeOf(service, id as string, date as 'ProtectStopDate'), value, date);
    }
  });

  t.test(`a copy is not Active before its source: ${name}`, async (t) => {
    const far = { name: 'ActivationDate', value: 4_000_000_000 } as const;
    for (const [dates, expected] of [
      [[], undefined],
      [[far], far.value],
    ] as const) {
      const source = await create(uses, ...dates);
      const copy = await prepare(source);
      const { id } = await copy(active);
      t.equal(await stateOf(id as string), 'PreActive');
      t.equal(await attributeOf(service, id as string, 'ActivationDate'), expected);
      await succeed(service, '2.1', Activate, { UniqueIdentifier: source });
      t.equal(await stateOf((await copy(active)).id as string), 'Active', 'a copy of the Active source');
    }
    const source = await create(uses);
    const copy = await prepare(source);
    await succeed(service, '2.1', Destroy, { UniqueIdentifier: source });
    t.equal(await stateOf((await copy(active)).id as string), 'PreActive', 'never Active before its end');
  });

  t.test(`the lifecycle of a source that is over is that of its copy: ${name}`, async (t) => {
    for (const [end, states] of [
      [(id: string) => revoke(id, 'KeyCompromise'), 'Compromised'],
      [(id: string) => revoke(id, 'Superseded'), 'Deactivated'],
      [destroy, 'Deactivated'],
      [destroyCompromised, 'Compromised'],
    ] as const) {
      const source = await create(uses, active);
      const copy = await prepare(source);
      const before = await copy(active);
      t.equal(await stateOf(before.id as string), 'Active', 'before');
      await end(source);
      const { id } = await copy(active);
      t.equal(await stateOf(id as string), states);
      const again = await copy(active);
      t.equal(await stateOf(again.id as string), states, 'a second copy');
    }
  });

  t.test(`a copy that is compromised compromises later copies: ${name}`, async (t) => {
    const copy = await prepare(await create(uses, active));
    const { id } = await copy(active);
    await revoke(id as string, 'KeyCompromise');
    t.equal(await stateOf((await copy(active)).id as string), 'Compromised');
  });

  t.test(`uses are counted once: ${name}`, async (t) => {
    const source = await create(
      uses,
      active,
      withLimits(64n),
      parameters({ BlockCipherMode: 'GCM', RandomIV: true }),
    );
    const use = async (id: string) =>
      succeed(service, '2.1', Encrypt, { UniqueIdentifier: id, Data: new Uint8Array(10) } as never);
    const copy = await prepare(source);
    await use(source);
    t.equal((await copy(active)).reason, 'UsageLimitExceeded', 'while the source is here');
    await destroy(source);
    const { id } = await copy(active, withLimits(1_000n));
    t.match(await limitsOf(id as string), { UsageLimitsCount: 54n }, 'what was left');
    t.equal((await copy(active)).reason, 'UsageLimitExceeded', 'while the copy is here');
    await succeed(service, '2.1', Destroy, { UniqueIdentifier: id as string });
    t.match(await limitsOf((await copy(active)).id as string), { UsageLimitsCount: 54n });
  });
}

t.test('what takes the place of a source has no more rights, so that copies have none either', async (t) => {
  const end = { name: 'DeactivationDate', value: 5_000_000_000 } as const;
  const bound = parameters({ BlockCipherMode: 'GCM' });
  for (const { name, prepare } of copiers) {
    const source = await create(uses, bound, end);
    const copy = await prepare(source);
    const replace = (...Attributes: readonly Attribute[]) => {
      const request = { UniqueIdentifier: source, ReplaceExisting: true, Object: symmetric(counted(32)) };
      return ask(service, '2.1', Import, { ...request, Attributes } as never);
    };
    const { reason } = await replace(mask('Encrypt', 'Decrypt'));
    t.equal(reason, 'IncompatibleCryptographicUsageMask', name);
    t.equal((await replace(parameters({ BlockCipherMode: 'CTR' }))).status, 'Success', name);
    for (const id of [source, (await copy()).id as string]) {
      t.equal(await attributeOf(service, id, 'DeactivationDate'), end.value, name);
      t.match(await attributeOf(service, id, 'CryptographicParameters'), { BlockCipherMode: 'GCM' });
    }
    t.equal((await copy(mask('Decrypt'))).reason, 'IncompatibleCryptographicUsageMask', name);
  }
});

t.test('a copy of a copy is a copy of the first key', async (t) => {
  const source = await create(uses, active);
  const [first, second] = [copiers[0] as Copier, copiers.at(-1) as Copier];
  const { id } = await (await first.prepare(source))(active);
  const copy = await second.prepare(id as string);
  await revoke(source, 'KeyCompromise');
  t.equal(await stateOf((await copy(active)).id as string), 'Compromised');
});

t.test('what clients may fetch is copied as before', async (t) => {
  const { UniqueIdentifier } = await succeed(service, '2.1', Create, {
    ObjectType: 'SymmetricKey',
    Attributes: having(...aes.slice(0, 2), uses, active),
  });
  for (const { name, prepare } of copiers) {
    const copy = await prepare(UniqueIdentifier);
    t.equal((await copy(mask('Decrypt'), active)).status, 'Success', name);
  }
});
