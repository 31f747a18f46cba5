import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import type { ManagedObjectValue } from '../../../../codec/structures/managed-objects.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import type { SecretSharingScheme } from '../../../../src/crypto/secret-sharing.ts';
import { Create } from '../../../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../../../src/operations/creation/create-key-pair.ts';
import { CreateSplitKey } from '../../../../src/operations/creation/create-split-key.ts';
import { JoinSplitKey } from '../../../../src/operations/creation/join-split-key.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { enumerated } from '../../../client.ts';
import { hex, withMask } from '../../keys.ts';
import { TestService } from '../../service.ts';
import {
  aes,
  ask,
  attributeOf,
  having,
  length,
  materialOf,
  named,
  payloadOf,
  succeed,
  versionsOf,
} from '../ask.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const versions = versionsOf(CreateSplitKey);
const methods = [
  'XOR',
  'PolynomialSharingGF2_8',
  'PolynomialSharingGF2_16',
  'PolynomialSharingPrimeField',
] as const;

function splitting(method: SecretSharingScheme['method'], rest: object = {}) {
  const threshold = method === 'XOR' ? 4 : 3;
  return {
    ObjectType: 'SplitKey',
    SplitKeyParts: 4,
    SplitKeyThreshold: threshold,
    SplitKeyMethod: method,
    Attributes: having(),
    ...rest,
  };
}

async function registered(Object: ManagedObjectValue, ...attributes: Attribute[]): Promise<string> {
  const request = { ObjectType: Object.type, Attributes: having(...attributes), Object };
  return (await succeed(service, '2.1', Register, request)).UniqueIdentifier;
}

async function material(UniqueIdentifier: string): Promise<string> {
  return hex(materialOf((await succeed(service, '2.1', Get, { UniqueIdentifier })).Object));
}

const raw = (KeyMaterial: Uint8Array) => ({
  KeyFormatType: 'Raw' as const,
  KeyValue: { KeyMaterial, Attributes: [] },
});

function part(
  identifier: number,
  share: Uint8Array,
  sharing: SecretSharingScheme,
  bits?: number,
): ManagedObjectValue {
  const KeyBlock = { ...raw(share), CryptographicAlgorithm: 'AES' as const, CryptographicLength: bits };
  const value = {
    SplitKeyParts: sharing.parts,
    KeyPartIdentifier: identifier,
    SplitKeyThreshold: sharing.threshold,
    SplitKeyMethod: sharing.method,
    PrimeFieldSize: sharing.prime,
    KeyBlock,
  };
  return { type: 'SplitKey', value };
}

t.test(
  'Create Split Key divides a stored key by each method, and Join Split Key restores the key',
  async (t) => {
    for (const method of methods) {
      for (const version of versions) {
        const bytes = nodeCrypto.random(32);
        bytes.fill(0, 0, 3);
        const block = { ...raw(bytes), CryptographicAlgorithm: 'AES', CryptographicLength: 256 } as const;
        const UniqueIdentifier = await registered(
          { type: 'SymmetricKey', value: { KeyBlock: block } },
          withMask('Encrypt'),
        );
        const { payload, fields, message } = await ask(
          service,
          version,
          CreateSplitKey,
          splitting(method, { UniqueIdentifier }),
        );
        t.equal(
          fields,
          version === '1.2' ? 'ObjectType UniqueIdentifier' : 'UniqueIdentifier',
          `${method} ${version}: ${message}`,
        );
        const ids = payload.UniqueIdentifier;
        t.equal(ids.length, 4);
        for (const [index, id] of ids.entries()) {
          const { Object } = await succeed(service, version, Get, { UniqueIdentifier: id });
          t.match(Object, {
            type: 'SplitKey',
            value: {
              SplitKeyParts: 4,
              KeyPartIdentifier: index + 1,
              SplitKeyThreshold: method === 'XOR' ? 4 : 3,
              SplitKeyMethod: method,
              KeyBlock: { KeyFormatType: 'Raw', CryptographicAlgorithm: 'AES', CryptographicLength: 256 },
            },
          });
          const { PrimeFieldSize } = Object.value as { PrimeFieldSize?: Uint8Array };
          t.equal(PrimeFieldSize !== undefined, method === 'PolynomialSharingPrimeField');
          t.equal(await attributeOf(service, id, 'CryptographicUsageMask'), 4, 'of the key');
          t.equal(await attributeOf(service, id, 'State'), 'PreActive');
        }
        const joining = {
          ObjectType: 'SymmetricKey',
          UniqueIdentifier: method === 'XOR' ? ids : [ids[3], ids[0], ids[2]],
          Attributes: having(named(`${method} ${version}`)),
        };
        const joined = await ask(service, version, JoinSplitKey, joining);
        t.equal(joined.fields, version === '1.2' ? 'ObjectType UniqueIdentifier' : 'UniqueIdentifier');
        t.equal(await material(joined.id as string), hex(bytes), `${method} ${version}`);
        t.equal(await attributeOf(service, joined.id as string, 'CryptographicAlgorithm'), 'AES');
        t.equal(await attributeOf(service, joined.id as string, 'CryptographicUsageMask'), 4, 'of the parts');
      }
    }
  },
);

t.test('Create Split Key makes a new key of which only the parts are stored', async (t) => {
  for (const version of versions) {
    const { UniqueIdentifier: ids } = await succeed(
      service,
      version,
      CreateSplitKey,
      splitting('PolynomialSharingGF2_8', { Attributes: having(...aes) }),
    );
    const keys = [ids.slice(1), ids.slice(0, 3)].map(async (UniqueIdentifier) => {
      const joined = await succeed(service, version, JoinSplitKey, {
        ObjectType: 'SymmetricKey',
        UniqueIdentifier,
      });
      return material(joined.UniqueIdentifier);
    });
    const [one, other] = await Promise.all(keys);
    t.equal(one, other);
    t.equal(one?.length, 64);
  }
});

t.test('Join Split Key restores private keys and Secret Data unchanged', async (t) => {
  const pair = await succeed(service, '2.1', CreateKeyPair, {
    CommonAttributes: having({ name: 'CryptographicAlgorithm', value: 'RSA' }, length(2048)),
    PrivateKeyAttributes: having(withMask('Sign')),
  });
  const own = pair.PrivateKeyUniqueIdentifier;
  for (const method of methods.slice(0, 3)) {
    const { UniqueIdentifier } = await succeed(
      service,
      '2.1',
      CreateSplitKey,
      splitting(method, { UniqueIdentifier: own }),
    );
    const joined = await succeed(service, '1.4', JoinSplitKey, {
      ObjectType: 'PrivateKey',
      UniqueIdentifier,
    });
    t.equal(await material(joined.UniqueIdentifier), await material(own), method);
    for (const name of [
      'KeyFormatType',
      'CryptographicLength',
      'CryptographicUsageMask',
      'Digest',
    ] as const) {
      const id = joined.UniqueIdentifier;
      t.same(await attributeOf(service, id, name), await attributeOf(service, own, name), name);
    }
  }
  for (const method of methods) {
    const secret = Uint8Array.of(0, 0, 7, 0, 1);
    const id = await registered({
      type: 'SecretData',
      value: { SecretDataType: 'Password', KeyBlock: raw(secret) },
    });
    const request = splitting(method, { UniqueIdentifier: id });
    const { UniqueIdentifier } = await succeed(service, '2.1', CreateSplitKey, request);
    for (const SecretDataType of ['Password', undefined] as const) {
      const joining = { ObjectType: 'SecretData', UniqueIdentifier, SecretDataType };
      const joined = await succeed(service, '2.1', JoinSplitKey, joining);
      const { Object } = await succeed(service, '2.1', Get, joined);
      t.match(Object, { value: { SecretDataType: SecretDataType ?? 'Seed' } });
      t.equal(hex(materialOf(Object)), hex(secret), method);
    }
  }
});

t.test(
  'Join Split Key joins parts of other servers: the OASIS shares, and those over the polynomial of FIPS 197',
  async (t) => {
    const sharing = { method: 'PolynomialSharingGF2_8', parts: 4, threshold: 2, polynomial: 285 } as const;
    const oasis = [
      '66C46A7754F94DE420C7B1A7FFF5EC56',
      'CF93D1E2A7E593CD5B8D6247F4E5D49C',
      'A855B891F61AD9217240D8EC061E37DA',
      '803DBAD55CDD329FAD19D99AE2C5A415',
    ].map((share) => Uint8Array.fromHex(share));
    const key = '0102030405060708090a0b0c0d0e0f10';
    const other = { ...sharing, polynomial: 283 } as const;
    const { shares: classic } = await nodeCrypto.splitSecret(Uint8Array.fromHex(key), other);
    const label: Attribute = {
      vendor: 'x',
      name: 'SplitKeyPolynomial',
      value: { type: 'Integer', value: 283 },
    };
    for (const version of versions) {
      const register = async (share: Uint8Array, index: number, attributes: Attribute[]) => {
        const Object = part(index + 1, share, sharing, 128);
        const request = { ObjectType: 'SplitKey', Attributes: having(...attributes), Object };
        return (await succeed(service, version, Register, request)).UniqueIdentifier;
      };
      for (const [shares, attributes] of [
        [oasis, []],
        [classic, [label]],
      ] as [Uint8Array[], Attribute[]][]) {
        const ids: string[] = [];
        for (const [index, share] of shares.entries()) ids.push(await register(share, index, attributes));
        for (const UniqueIdentifier of [ids, ids.slice(2), [ids[0], ids[3]]]) {
          const joining = { ObjectType: 'SymmetricKey', UniqueIdentifier };
          const joined = await succeed(service, version, JoinSplitKey, joining);
          t.equal(await material(joined.UniqueIdentifier), key, version);
        }
      }
      const asked = splitting('PolynomialSharingGF2_8', { Attributes: having(...aes, label) });
      const { UniqueIdentifier } = await succeed(service, version, CreateSplitKey, asked);
      t.match(await attributeOf(service, UniqueIdentifier[3] as string, 'SplitKeyPolynomial' as never), {
        value: 283,
      });
      await succeed(service, version, JoinSplitKey, { ObjectType: 'SymmetricKey', UniqueIdentifier });
    }
  },
);

t.test('Join Split Key accepts a prime of the client and parts without Cryptographic Length', async (t) => {
  // 2^521 - 1, a Mersenne prime.
  const mersenne = new Uint8Array(72).fill(255, 7).fill(1, 6, 7);
  const request = splitting('PolynomialSharingPrimeField', {
    PrimeFieldSize: mersenne,
    Attributes: having(...aes),
  });
  for (const version of versions) {
    const { UniqueIdentifier } = await succeed(service, version, CreateSplitKey, request);
    const { Object } = await succeed(service, version, Get, { UniqueIdentifier: UniqueIdentifier[0] });
    t.match(Object, { value: { PrimeFieldSize: mersenne } });
    t.equal(materialOf(Object).length, 66);
    await succeed(service, version, JoinSplitKey, { ObjectType: 'SymmetricKey', UniqueIdentifier });
  }
  const secret = Uint8Array.of(0, 0, 1, ...new Uint8Array(13));
  const method = { method: 'PolynomialSharingPrimeField', parts: 3, threshold: 2, polynomial: 285 } as const;
  const { shares, prime } = await nodeCrypto.splitSecret(secret, method);
  const ids: string[] = [];
  for (const [index, share] of shares.entries())
    ids.push(await registered(part(index + 1, share, { ...method, prime })));
  const joining = { ObjectType: 'SymmetricKey', UniqueIdentifier: ids, Attributes: having(length(128)) };
  const joined = await succeed(service, '2.1', JoinSplitKey, joining);
  t.equal(await material(joined.UniqueIdentifier), hex(secret));
});

t.test(
  'attributes of the key precede those of the request, and parts and joined key are as protected as the key',
  async (t) => {
    const sensitive = (value: boolean): Attribute => ({ name: 'Sensitive', value });
    const extractable = (value: boolean): Attribute => ({ name: 'Extractable', value });
    const names = ['Sensitive', 'AlwaysSensitive', 'Extractable', 'NeverExtractable'] as const;
    const cases: [key: Attribute[], stated: Attribute[], parts: string, joined: string][] = [
      [[], [], 'false false true false', 'false false true false'],
      [[sensitive(true)], [sensitive(false)], 'true true true false', 'true true true false'],
      [[extractable(false)], [extractable(true)], 'false false false true', 'false false false true'],
      [[], [sensitive(true), extractable(false)], 'true false false false', 'true false false false'],
    ];
    // Under strict protection a key that is not extractable is not divided.
    const lenient = await TestService.open({ protection: 'kmip' });
    t.teardown(() => lenient.close());
    for (const [own, stated, ofParts, ofJoined] of cases) {
      const Attributes = having(...aes, ...own);
      const { UniqueIdentifier: key } = await succeed(lenient, '2.1', Create, {
        ObjectType: 'SymmetricKey',
        Attributes,
      });
      const request = splitting('PolynomialSharingGF2_8', {
        UniqueIdentifier: key,
        Attributes: having(length(128), withMask('Sign'), ...stated),
      });
      const { UniqueIdentifier } = await succeed(lenient, '2.1', CreateSplitKey, request);
      const values = async (id: string) =>
        (await Promise.all(names.map((name) => attributeOf(lenient, id, name)))).join(' ');
      const [first] = UniqueIdentifier as [string];
      t.equal(await values(first), ofParts);
      t.equal(await attributeOf(lenient, first, 'CryptographicLength'), 256);
      t.equal(await attributeOf(lenient, first, 'CryptographicUsageMask'), 12);
      const joining = { ObjectType: 'SymmetricKey', UniqueIdentifier, Attributes: having(sensitive(false)) };
      const joined = await succeed(lenient, '2.1', JoinSplitKey, joining);
      t.equal(await values(joined.UniqueIdentifier), ofJoined);
    }
  },
);

t.test(
  'Create Split Key sets the ID Placeholder to the first part, and 2.x can refer to all parts',
  async (t) => {
    const { UniqueIdentifier: key } = await succeed(service, '2.1', Create, {
      ObjectType: 'SymmetricKey',
      Attributes: having(...aes),
    });
    const split = payloadOf('2.1', CreateSplitKey, splitting('XOR', { UniqueIdentifier: key }));
    const answers = await service.batch('2.1', [
      { operation: 'CreateSplitKey', payload: split },
      { operation: 'Get', payload: [] },
      {
        operation: 'JoinSplitKey',
        payload: [enumerated('ObjectType', 2), enumerated('UniqueIdentifier', 7)],
      },
    ]);
    t.same(
      answers.map(({ status, message }) => message ?? status),
      ['Success', 'Success', 'Success'],
    );
    t.equal(answers[1]?.id, answers[0]?.id);
    t.equal(await material(answers[2]?.id as string), await material(key));
  },
);
