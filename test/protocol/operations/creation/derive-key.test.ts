import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import { DerivationMethod } from '../../../../codec/enums.ts';
import type { ManagedObjectValue } from '../../../../codec/structures/managed-objects.ts';
import { isWithin } from '../../../../codec/version.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import { Create } from '../../../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../../../src/operations/creation/create-key-pair.ts';
import { DeriveKey } from '../../../../src/operations/creation/derive-key.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { active, hex, withMask } from '../../keys.ts';
import { TestService } from '../../service.ts';
import {
  ask,
  attributeOf,
  attributesOf,
  having,
  length,
  materialOf,
  named,
  succeed,
  testedVersions,
} from '../ask.ts';
import { agreements, type Vector, vectors } from './derivation-vectors.ts';

// Published vectors use a single iteration of PBKDF2.
const service = await TestService.open({ crypto: { legacy: true } });
t.teardown(() => service.close());

const derives = withMask('DeriveKey');
const hmac = {
  CryptographicParameters: { HashingAlgorithm: 'SHA_256' },
  DerivationData: [new Uint8Array(3)],
};

async function registered(Object: ManagedObjectValue, ...attributes: Attribute[]): Promise<string> {
  const request = { ObjectType: Object.type, Attributes: having(active, ...attributes), Object };
  return (await succeed(service, '1.4', Register, request)).UniqueIdentifier;
}

function key(
  KeyMaterial: Uint8Array,
  CryptographicAlgorithm: Vector['algorithm'] = 'AES',
): ManagedObjectValue {
  const block = {
    KeyFormatType: 'Raw',
    KeyValue: { KeyMaterial, Attributes: [] },
    CryptographicAlgorithm,
    CryptographicLength: KeyMaterial.length * 8,
  } as const;
  return { type: 'SymmetricKey', value: { KeyBlock: block } };
}

function secret(KeyMaterial: Uint8Array): ManagedObjectValue {
  const KeyBlock = { KeyFormatType: 'Opaque', KeyValue: { KeyMaterial, Attributes: [] } } as const;
  return { type: 'SecretData', value: { SecretDataType: 'Password', KeyBlock } };
}

async function material(id: string): Promise<string> {
  return hex(materialOf((await succeed(service, '2.1', Get, { UniqueIdentifier: id })).Object));
}

t.test('Derive Key reproduces published vectors in every version that has the method', async (t) => {
  for (const { name, method, since, key: bytes, algorithm, parameters, output } of vectors) {
    const base = await registered(key(bytes, algorithm), derives);
    const bits = output.length * 4;
    for (const version of testedVersions) {
      if (!DerivationMethod.isKnownIn(method, version) || !isWithin(version, since ?? '1.0')) continue;
      const { payload, fields, message } = await ask(service, version, DeriveKey, {
        ObjectType: 'SecretData',
        UniqueIdentifier: [base],
        DerivationMethod: method,
        DerivationParameters: { DerivationData: [], ...parameters },
        Attributes: having(length(bits)),
      });
      t.equal(fields, 'UniqueIdentifier', `${name} ${version}: ${message}`);
      if (payload !== undefined)
        t.equal(await material(payload.UniqueIdentifier), output, `${name} ${version}`);
    }
  }
});

t.test('Derive Key agrees on a secret between a private and a public key in any order', async (t) => {
  for (const { name, privateKey, publicKey, secret: agreed } of agreements) {
    const block = (format: 'PKCS_8' | 'X_509', der: string) => ({
      KeyBlock: { KeyFormatType: format, KeyValue: { KeyMaterial: Uint8Array.fromHex(der), Attributes: [] } },
    });
    const own = await registered({ type: 'PrivateKey', value: block('PKCS_8', privateKey) }, derives);
    const peer = await registered(
      { type: 'PublicKey', value: block('X_509', publicKey) },
      withMask('KeyAgreement'),
    );
    for (const version of ['1.4', '2.0', '2.1'] as const) {
      for (const UniqueIdentifier of [
        [own, peer],
        [peer, own],
      ]) {
        const made = await succeed(service, version, DeriveKey, {
          ObjectType: 'SecretData',
          UniqueIdentifier,
          DerivationMethod: 'AsymmetricKey',
          DerivationParameters: { DerivationData: [] },
          Attributes: having(length(agreed.length * 4)),
        });
        t.equal(await material(made.UniqueIdentifier), agreed, `${name} ${version}`);
      }
    }
  }
});

t.test('Derive Key agrees on the same secret with both halves of generated DH pairs', async (t) => {
  const pair = () =>
    succeed(service, '2.1', CreateKeyPair, {
      CommonAttributes: having(
        { name: 'CryptographicAlgorithm', value: 'DH' },
        length(2048),
        withMask('KeyAgreement'),
        active,
      ),
    });
  const [a, b] = [await pair(), await pair()];
  const derived = async (own: string, peer: string) => {
    const made = await succeed(service, '2.1', DeriveKey, {
      ObjectType: 'SecretData',
      UniqueIdentifier: [own, peer],
      DerivationMethod: 'AsymmetricKey',
      DerivationParameters: { DerivationData: [] },
      Attributes: having(length(2048)),
    });
    return material(made.UniqueIdentifier);
  };
  t.equal(
    await derived(a.PrivateKeyUniqueIdentifier, b.PublicKeyUniqueIdentifier),
    await derived(b.PrivateKeyUniqueIdentifier, a.PublicKeyUniqueIdentifier),
  );
});

t.test(
  'a derived key has attributes, links in both directions, a digest, and becomes the ID Placeholder',
  async (t) => {
    const base = await registered(key(new Uint8Array(16)), derives);
    const data = await registered(secret(new Uint8Array(3)));
    for (const version of testedVersions) {
      const UniqueIdentifier = [base, data];
      const { UniqueIdentifier: id } = await succeed(service, version, DeriveKey, {
        ObjectType: 'SymmetricKey',
        UniqueIdentifier,
        DerivationMethod: 'HMAC',
        DerivationParameters: { ...hmac, DerivationData: [] },
        Attributes: having(
          { name: 'CryptographicAlgorithm', value: 'AES' },
          length(128),
          withMask('Encrypt'),
          named(`d ${version}`),
          active,
        ),
      });
      const attributes = await attributesOf(service, id);
      const all = (of: readonly Attribute[], name: string) =>
        of.filter((each) => each.name === name).map(({ value }) => value);
      t.same(all(attributes, 'State'), ['Active']);
      t.same(all(attributes, 'CryptographicUsageMask'), [4]);
      t.same(all(attributes, 'OriginalCreationDate'), all(attributes, 'InitialDate'));
      t.match(all(attributes, 'Name'), [{ NameValue: `d ${version}` }]);
      t.same(
        all(attributes, 'Link'),
        UniqueIdentifier.map((each) => ({
          LinkType: 'DerivationBaseObjectLink',
          LinkedObjectIdentifier: each,
        })),
      );
      for (const each of UniqueIdentifier) {
        t.same(all(await attributesOf(service, each), 'Link').at(-1), {
          LinkType: 'DerivedKeyLink',
          LinkedObjectIdentifier: id,
        });
      }
      const bytes = Uint8Array.fromHex(await material(id));
      t.match(all(attributes, 'Digest'), [{ DigestValue: nodeCrypto.digest('SHA_256', bytes) }]);
      t.equal(await attributeOf(service, id, 'RandomNumberGenerator'), undefined, 'no generator made it');
    }
    const { payload } = await ask(service, '2.1', Get, { UniqueIdentifier: base });
    t.equal(payload.UniqueIdentifier, base);
  },
);

t.test('a key keeps links to the last hundred keys derived from it', async (t) => {
  const base = await registered(key(new Uint8Array(16)), derives);
  const ids: string[] = [];
  for (let count = 0; count < 102; count += 1) ids.push(await derive(base));
  const links = (await attributesOf(service, base)).filter(({ name }) => name === 'Link');
  t.same(
    links.map(({ value }) => (value as { LinkedObjectIdentifier: string }).LinkedObjectIdentifier),
    ids.slice(2),
  );
});

async function derive(base: string, ...attributes: Attribute[]): Promise<string> {
  const made = await succeed(service, '2.1', DeriveKey, {
    ObjectType: 'SecretData',
    UniqueIdentifier: [base],
    DerivationMethod: 'HMAC',
    DerivationParameters: hmac,
    Attributes: having(length(128), ...attributes),
  });
  return made.UniqueIdentifier;
}

t.test(
  'a derived key inherits Sensitive and Extractable whatever the request states, and their history',
  async (t) => {
    const sensitive = (value: boolean): Attribute => ({ name: 'Sensitive', value });
    const extractable = (value: boolean): Attribute => ({ name: 'Extractable', value });
    const cases: [base: Attribute[], stated: Attribute[], expected: string][] = [
      [[], [], 'false false true false'],
      [[sensitive(true)], [], 'true true true false'],
      [[sensitive(true)], [sensitive(false)], 'true true true false'],
      [[], [sensitive(true)], 'true false true false'],
      [[extractable(false)], [], 'false false false true'],
      [[], [extractable(false)], 'false false false false'],
    ];
    for (const [base, stated, expected] of cases) {
      const id = await derive(await registered(key(new Uint8Array(16)), derives, ...base), ...stated);
      const names = ['Sensitive', 'AlwaysSensitive', 'Extractable', 'NeverExtractable'] as const;
      const values = await Promise.all(names.map((name) => attributeOf(service, id, name)));
      t.equal(values.join(' '), expected);
    }
  },
);

t.test('Derive Key counts against the Usage Limits of all its sources', async (t) => {
  const limit: Attribute = {
    name: 'UsageLimits',
    value: { UsageLimitsTotal: 40n, UsageLimitsUnit: 'Byte' },
  };
  const base = await registered(key(new Uint8Array(16)), derives, limit);
  await derive(base);
  await derive(base);
  t.match(await attributeOf(service, base, 'UsageLimits'), { UsageLimitsCount: 8n });
  const spent = await ask(service, '2.1', DeriveKey, {
    ObjectType: 'SecretData',
    UniqueIdentifier: [base],
    DerivationMethod: 'HMAC',
    DerivationParameters: hmac,
    Attributes: having(length(128)),
  });
  t.equal(spent.reason, 'PermissionDenied');
});

t.test('Derive Key counts DES keys without parity and accepts created keys', async (t) => {
  const made = await succeed(service, '2.1', Create, {
    ObjectType: 'SymmetricKey',
    Attributes: having({ name: 'CryptographicAlgorithm', value: 'AES' }, derives, active),
  });
  const { UniqueIdentifier } = await succeed(service, '1.0', DeriveKey, {
    ObjectType: 'SymmetricKey',
    UniqueIdentifier: [made.UniqueIdentifier],
    DerivationMethod: 'HMAC',
    DerivationParameters: hmac,
    Attributes: having({ name: 'CryptographicAlgorithm', value: 'DES3' }, length(168)),
  });
  t.equal((await material(UniqueIdentifier)).length, 48);
  t.equal(await attributeOf(service, UniqueIdentifier, 'CryptographicLength'), 168);
});
