import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import { ObjectType } from '../../../../codec/enums.ts';
import type { KeyBlock } from '../../../../codec/structures/key-block.ts';
import type { ManagedObjectValue } from '../../../../codec/structures/managed-objects.ts';
import { eraOf, type Version, versions } from '../../../../codec/version.ts';
import { Locate } from '../../../../src/operations/locate.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Import } from '../../../../src/operations/transfer/import.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { TestService } from '../../service.ts';
import { aes, attributeOf, contact, having, named, outcome, succeed } from '../ask.ts';
import { metadataOnly, others } from '../objects.ts';
import { counted, register, symmetric } from './wrapping-keys.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const template = (...Attributes: readonly Attribute[]): ManagedObjectValue => ({
  type: 'Template',
  value: { Attributes },
});
const registration = (Object: ManagedObjectValue, ...attributes: readonly Attribute[]) => ({
  ObjectType: Object.type,
  Attributes: having(...attributes),
  Object,
});
const block = (change: Partial<KeyBlock>): ManagedObjectValue => ({
  type: 'SymmetricKey',
  value: { KeyBlock: { ...(symmetric(counted(16)).value as { KeyBlock: KeyBlock }).KeyBlock, ...change } },
});

t.test('Register refuses object types that the version does not know', async (t) => {
  const templates = ['a template', template(...aes)] as const;
  for (const version of versions) {
    for (const [name, object] of [...others, templates]) {
      const known = ObjectType.isKnownIn(object.type, version);
      const refused = eraOf(version) === '1.x' ? 'InvalidField' : 'InvalidObjectType';
      const actual = await outcome(service, version, Register, registration(object));
      t.equal(actual, known ? 'Success' : refused, `${version}: ${name}`);
    }
  }
  const imported = { UniqueIdentifier: 'template', Attributes: [], Object: template(...aes) };
  t.equal(await outcome(service, '2.1', Import, imported), 'InvalidObjectType');
  t.equal(await outcome(service, '1.4', Import, imported), 'Success');
});

t.test('Register refuses a Template with a Name from 1.2 on', async (t) => {
  for (const version of ['1.0', '1.1', '1.2', '1.3', '1.4'] as const) {
    const request = registration(template(...aes, named('inside')), named(`outside ${version}`));
    const wanted = version < '1.2' ? 'Success' : 'InvalidField';
    t.equal(await outcome(service, version, Register, request), wanted, version);
  }
});

t.test('Register accepts keys without a value from 1.2 on', async (t) => {
  const where = (KeyValueLocationValue: string): Attribute => ({
    name: 'KeyValueLocation',
    value: { KeyValueLocationValue, KeyValueLocationType: 'UninterpretedTextString' },
  });
  const expected = (version: Version) => (version < '1.2' ? 'InvalidField' : 'Success');
  for (const version of versions) {
    t.equal(
      await outcome(service, version, Register, registration(metadataOnly)),
      expected(version),
      version,
    );
  }
  const id = await register(service, metadataOnly, where('vault 1'), where('vault 2'));
  t.equal(await attributeOf(service, id, 'KeyValuePresent'), false);
  t.equal(
    await attributeOf(service, await register(service, symmetric(counted(16))), 'KeyValuePresent'),
    undefined,
  );
  for (const version of versions) {
    const actual = await outcome(service, version, Get, { UniqueIdentifier: id });
    t.equal(actual, version < '1.2' ? 'IllegalOperation' : 'Success', version);
  }
  const Attributes = [{ name: 'KeyValuePresent', value: false } as const, where('vault 2')];
  t.same((await succeed(service, '1.4', Locate, { Attributes })).UniqueIdentifier, [id]);
});

t.test('Register refuses inconsistent Key Blocks', async (t) => {
  const split = (others.find(([name]) => name === 'a split key') as (typeof others)[0])[1];
  const prime = { ...split, value: { ...split.value, SplitKeyMethod: 'PolynomialSharingPrimeField' } };
  // 2^521 - 1.
  const PrimeFieldSize = new Uint8Array(72).fill(255, 7).fill(1, 6, 7);
  const sized = { ...prime, value: { ...prime.value, PrimeFieldSize } };
  for (const [when, object, wanted] of [
    ['bytes that nobody wrapped', block({ KeyValue: counted(24) }), 'InvalidField'],
    ['a prime field of no size', prime, 'InvalidField'],
    ['a prime field', sized, 'Success'],
  ] as const) {
    for (const version of ['1.2', '1.4', '2.0', '2.1'] as const) {
      const request = registration(object as ManagedObjectValue);
      t.equal(await outcome(service, version, Register, request), wanted, `${version}: ${when}`);
    }
  }
});

t.test('Import prefers attributes beside the object to those inside its Key Value', async (t) => {
  const KeyValue = { KeyMaterial: counted(16), Attributes: [contact('inside'), named('inside')] };
  const request = {
    UniqueIdentifier: 'inside',
    Attributes: [contact('outside')],
    Object: block({ KeyValue }),
  };
  await succeed(service, '2.1', Import, request);
  t.equal(await attributeOf(service, 'inside', 'ContactInformation'), 'outside');
  t.match(await attributeOf(service, 'inside', 'Name'), { NameValue: 'inside' });
  const { Object } = await succeed(service, '2.1', Get, { UniqueIdentifier: 'inside' });
  t.same(Object, symmetric(counted(16)), 'and the key comes back without them');
});

t.test('Get refuses a curve that the version does not know', async (t) => {
  const KeyMaterial = { RecommendedCurve: 'BRAINPOOLP256R1', D: counted(32) } as const;
  const KeyBlock: KeyBlock = {
    KeyFormatType: 'TransparentECDSAPrivateKey',
    KeyValue: { KeyMaterial, Attributes: [] },
  };
  const id = await register(service, { type: 'PrivateKey', value: { KeyBlock } });
  for (const [version, format, wanted] of [
    ['1.1', undefined, 'KeyFormatTypeNotSupported'],
    ['1.1', 'ECPrivateKey', 'Success'],
    ['1.2', undefined, 'Success'],
  ] as const) {
    t.equal(await outcome(service, version, Get, { UniqueIdentifier: id, KeyFormatType: format }), wanted);
  }
});
