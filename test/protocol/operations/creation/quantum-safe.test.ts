import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import { ModifyAttribute } from '../../../../src/operations/attributes/modify-attribute.ts';
import { SetAttribute } from '../../../../src/operations/attributes/set-attribute.ts';
import { Create } from '../../../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../../../src/operations/creation/create-key-pair.ts';
import { Query } from '../../../../src/operations/server/query.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { TestService } from '../../service.ts';
import { attributeOf, having, length, outcome, storedKey, succeed } from '../ask.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const demanded: Attribute = { name: 'QuantumSafe', value: true };
const level: Attribute = { name: 'ProtectionLevel', value: 'High' };
const of = (value: string): Attribute => ({ name: 'CryptographicAlgorithm', value }) as Attribute;

t.test('creations refuse QuantumSafe for keys that are not quantum-safe', async (t) => {
  for (const [what, bits, expected] of [
    ['AES', 128, 'GeneralFailure'],
    ['AES', 192, 'GeneralFailure'],
    ['AES', 256, 'Success'],
    ['HMAC_SHA256', 256, 'Success'],
    ['HMAC_SHA1', 256, 'GeneralFailure'],
  ] as const) {
    for (const version of ['2.0', '2.1'] as const) {
      const Attributes = having(of(what), length(bits), demanded, level);
      t.equal(
        await outcome(service, version, Create, { ObjectType: 'SymmetricKey', Attributes }),
        expected,
        what,
      );
    }
    const KeyBlock = {
      KeyFormatType: 'Raw',
      KeyValue: { KeyMaterial: new Uint8Array(bits / 8), Attributes: [] },
      CryptographicAlgorithm: what,
      CryptographicLength: bits,
    } as const;
    const request = {
      ObjectType: 'SymmetricKey',
      Attributes: having(demanded),
      Object: { type: 'SymmetricKey', value: { KeyBlock } },
    };
    t.equal(await outcome(service, '2.1', Register, request), expected, `${what} that a client brings`);
  }
  for (const [what, expected] of [
    ['RSA', 'GeneralFailure'],
    ['Ed25519', 'GeneralFailure'],
    ['ECDSA', 'GeneralFailure'],
    ['ML_KEM_512', 'Success'],
    ['ML_DSA_44', 'Success'],
    ['SLH_DSA_SHA2_128f', 'Success'],
  ] as const) {
    for (const half of ['CommonAttributes', 'PrivateKeyAttributes', 'PublicKeyAttributes'] as const) {
      const whole = { CommonAttributes: having(of(what)) };
      const one =
        half === 'CommonAttributes' ? { [half]: having(of(what), demanded) } : { [half]: having(demanded) };
      t.equal(
        await outcome(service, '2.1', CreateKeyPair, { ...whole, ...one }),
        expected,
        `${what} ${half}`,
      );
    }
  }
});

t.test('Set Attribute refuses QuantumSafe for a key that is not quantum-safe', async (t) => {
  const weak = await succeed(service, '2.1', Create, {
    ObjectType: 'SymmetricKey',
    Attributes: having(of('AES'), length(128)),
  });
  const strong = await storedKey(service);
  for (const [id, expected] of [
    [weak.UniqueIdentifier, 'GeneralFailure'],
    [strong, 'Success'],
  ] as const) {
    t.equal(
      await outcome(service, '2.1', SetAttribute, { UniqueIdentifier: id, NewAttribute: demanded }),
      expected,
    );
    t.equal(await attributeOf(service, id, 'QuantumSafe'), expected === 'Success' ? true : undefined);
    const not = { ...demanded, value: false } as Attribute;
    t.equal(
      await outcome(service, '2.1', SetAttribute, { UniqueIdentifier: id, NewAttribute: not }),
      'Success',
    );
    t.equal(
      await outcome(service, '2.1', ModifyAttribute, { UniqueIdentifier: id, NewAttribute: demanded }),
      expected,
    );
  }
});

t.test('Query reports the Quantum Safe Capability', async (t) => {
  for (const version of ['2.0', '2.1'] as const) {
    const { CapabilityInformation, ProfileInformation } = await succeed(service, version, Query, {
      QueryFunction: ['QueryCapabilities', 'QueryProfiles'],
    });
    t.match(CapabilityInformation, [{ QuantumSafeCapability: true }], version);
    t.ok(
      ProfileInformation.some(({ ProfileName }) => ProfileName === 'QuantumSafeServer'),
      version,
    );
  }
});
