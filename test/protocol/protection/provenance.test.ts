import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import { CryptographicUsageMask } from '../../../codec/masks.ts';
import type { Birth } from '../../../src/object/provenance.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../../src/operations/creation/create-key-pair.ts';
import { CreateSplitKey } from '../../../src/operations/creation/create-split-key.ts';
import { DeriveKey } from '../../../src/operations/creation/derive-key.ts';
import { JoinSplitKey } from '../../../src/operations/creation/join-split-key.ts';
import { ReKey } from '../../../src/operations/creation/re-key.ts';
import { ReKeyKeyPair } from '../../../src/operations/creation/re-key-key-pair.ts';
import { Export } from '../../../src/operations/transfer/export.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { aes, having, succeed } from '../operations/ask.ts';
import {
  active,
  blockOf,
  counted,
  encryptWith,
  mask,
  register,
  symmetric,
  wrappedAs,
  wrappingKey,
} from '../operations/transfer/wrapping-keys.ts';
import { TestService, uid } from '../service.ts';
import { closedKey, provenanceOf, rowVersion, sensitive } from './history.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const ecPair = having(
  { name: 'CryptographicAlgorithm', value: 'EC' },
  { name: 'CryptographicLength', value: 256 },
);
const create = async (...attributes: readonly Attribute[]) =>
  (await succeed(service, '2.1', Create, { ObjectType: 'SymmetricKey', Attributes: having(...attributes) }))
    .UniqueIdentifier;
const split = async (rest: object) =>
  (
    await succeed(service, '2.1', CreateSplitKey, {
      ObjectType: 'SplitKey',
      SplitKeyParts: 2,
      SplitKeyThreshold: 2,
      SplitKeyMethod: 'XOR',
      Attributes: having(...aes),
      ...rest,
    })
  ).UniqueIdentifier;
const importKey = async (id: string, rest: object) =>
  (await succeed(service, '2.1', Import, { UniqueIdentifier: id, Attributes: [], ...rest } as never))
    .UniqueIdentifier;

/** Every way an object comes into being, with the birth that the server records. */
const ways: readonly (readonly [operation: string, birth: Birth, make: () => Promise<string>])[] = [
  ['Create', 'made', () => create(...aes)],
  [
    'Re-key',
    'made',
    async () =>
      (await succeed(service, '2.1', ReKey, { UniqueIdentifier: await create(...aes), Attributes: having() }))
        .UniqueIdentifier,
  ],
  ['Register', 'registered', () => register(service, symmetric(counted(16)))],
  ['Import', 'imported', () => importKey('imported', { Object: symmetric(counted(16)) })],
  [
    'Import that unwraps',
    'unwrapped',
    async () => {
      const kek = await wrappingKey(service);
      const wrapped = await blockOf(service, await create(...aes), encryptWith(kek));
      const Object = wrappedAs(
        symmetric(counted(32)),
        wrapped.KeyValue as never,
        wrapped.KeyWrappingData as never,
      );
      return importKey('unwrapped', { KeyWrapType: 'NotWrapped', Object });
    },
  ],
  [
    'Derive Key',
    'derived',
    async () => {
      const base = await create(...aes.slice(0, 2), mask('DeriveKey'), active);
      const derived = await succeed(service, '2.1', DeriveKey, {
        ObjectType: 'SymmetricKey',
        UniqueIdentifier: [base],
        DerivationMethod: 'HMAC',
        DerivationParameters: {
          CryptographicParameters: { HashingAlgorithm: 'SHA_256' },
          DerivationData: [counted(8)],
        },
        Attributes: having(...aes),
      });
      return derived.UniqueIdentifier;
    },
  ],
  ['Create Split Key', 'split', async () => (await split({}))[0] as string],
  [
    'Create Split Key of a key',
    'split',
    async () => (await split({ UniqueIdentifier: await create(...aes) }))[0] as string,
  ],
  [
    'Join Split Key',
    'joined',
    async () => {
      const request = {
        ObjectType: 'SymmetricKey',
        UniqueIdentifier: await split({}),
        Attributes: having(),
      } as const;
      return (await succeed(service, '2.1', JoinSplitKey, request)).UniqueIdentifier;
    },
  ],
  [
    'Create Key Pair',
    'made',
    async () =>
      (await succeed(service, '2.1', CreateKeyPair, { CommonAttributes: ecPair })).PrivateKeyUniqueIdentifier,
  ],
];

t.test(
  'the server records where every value comes from, and that clients know what they brought',
  async (t) => {
    const brought: readonly Birth[] = ['registered', 'imported'];
    for (const [operation, birth, make] of ways) {
      const { born, shown, alwaysSensitive } = await provenanceOf(service, await make());
      t.equal(born, birth, operation);
      t.equal(
        shown,
        brought.includes(birth) ? 'clear' : birth === 'unwrapped' ? 'wrapped' : 'never',
        operation,
      );
      t.equal(alwaysSensitive, false, operation);
    }
  },
);

t.test('the halves of a pair made here know each other, also after Re-key Key Pair', async (t) => {
  const made = await succeed(service, '2.1', CreateKeyPair, { CommonAttributes: ecPair });
  const again = await succeed(service, '2.1', ReKeyKeyPair, {
    PrivateKeyUniqueIdentifier: made.PrivateKeyUniqueIdentifier,
  });
  for (const { PrivateKeyUniqueIdentifier: id, PublicKeyUniqueIdentifier: publicId } of [made, again]) {
    t.equal((await provenanceOf(service, publicId)).madeWith, id);
    t.equal((await provenanceOf(service, id)).madeWith, publicId);
  }
});

t.test('a public key that Import has replaced belongs to no private key', async (t) => {
  const made = await succeed(service, '2.1', CreateKeyPair, { CommonAttributes: ecPair });
  const { PublicKeyUniqueIdentifier: UniqueIdentifier } = made;
  const { Object } = await succeed(service, '2.1', Get, { UniqueIdentifier });
  await importKey(UniqueIdentifier, { ReplaceExisting: true, Object, Attributes: [] });
  t.equal((await provenanceOf(service, UniqueIdentifier)).madeWith, undefined);
});

t.test('Import with Replace Existing makes a key open and keeps every use it had', async (t) => {
  const id = await create(...aes.slice(0, 2), mask('Decrypt'));
  await importKey(id, {
    ReplaceExisting: true,
    Object: symmetric(counted(16)),
    Attributes: [mask('WrapKey'), sensitive],
  });
  const bits = CryptographicUsageMask.bit('WrapKey') | CryptographicUsageMask.bit('Decrypt');
  t.match(await provenanceOf(service, id), { born: 'imported', shown: 'clear', masks: bits });
});

t.test('the server records how a value has left, and writes nothing when it leaves again', async (t) => {
  const openKek = await wrappingKey(service);
  const closedKek = await closedKey(service);
  const underOpen = encryptWith(openKek);
  const underClosed = encryptWith(closedKek);
  const macOnly = await register(service, symmetric(counted(32), 'HMAC_SHA256'), active, mask('MACGenerate'));
  const authenticated = {
    KeyWrappingSpecification: {
      WrappingMethod: 'MACSign',
      MACSignatureKeyInformation: { UniqueIdentifier: macOnly },
      AttributeName: [],
    },
  };
  const rows = [
    ['in the clear', {}, 'clear'],
    ['in another format', { KeyFormatType: 'TransparentSymmetricKey' }, 'clear'],
    ['under an open key', underOpen, 'clear'],
    ['under a closed key', underClosed, 'wrapped'],
    ['with a MAC only', authenticated, 'clear'],
  ] as const;
  for (const operation of [Get, Export]) {
    for (const [how, request, shown] of rows) {
      const id = await create(...aes);
      await succeed(service, '2.1', operation, { UniqueIdentifier: id, ...request } as never);
      t.equal((await provenanceOf(service, id)).shown, shown, `${operation.name} ${how}`);
      const version = await rowVersion(service, id);
      await succeed(service, '2.1', operation, { UniqueIdentifier: id, ...request } as never);
      t.equal(await rowVersion(service, id), version, `${operation.name} ${how}: the second time`);
      await succeed(service, '2.1', operation, { UniqueIdentifier: id, ...underClosed });
      t.equal((await provenanceOf(service, id)).shown, shown, `${operation.name} ${how}: never less`);
      await succeed(service, '2.1', operation, { UniqueIdentifier: id });
      t.equal(
        (await provenanceOf(service, id)).shown,
        'clear',
        `${operation.name} ${how}: then in the clear`,
      );
    }
  }
});

t.test('a refused request has shown nothing', async (t) => {
  const id = await create(...aes, sensitive);
  const answer = await service.call('2.1', 'Get', [uid(id)]);
  t.equal(answer.reason, 'Sensitive');
  t.equal((await provenanceOf(service, id)).shown, 'never');
});
