import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import type { SplitKeyMethod } from '../../../../codec/enums.ts';
import type { ManagedObjectValue, ObjectTypeName } from '../../../../codec/structures/managed-objects.ts';
import { Create } from '../../../../src/operations/creation/create.ts';
import { CreateSplitKey } from '../../../../src/operations/creation/create-split-key.ts';
import { JoinSplitKey } from '../../../../src/operations/creation/join-split-key.ts';
import { Archive } from '../../../../src/operations/lifecycle/archive.ts';
import { Destroy } from '../../../../src/operations/lifecycle/destroy.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { TestService } from '../../service.ts';
import { aes, having, length, named, outcome, refuses, storedKey, succeed } from '../ask.ts';
import { metadataOnly, others } from '../objects.ts';

const service = await TestService.open();
t.teardown(() => service.close());

async function registered(Object: ManagedObjectValue, ...attributes: Attribute[]): Promise<string> {
  const request = { ObjectType: Object.type, Attributes: having(...attributes), Object };
  return (await succeed(service, '2.1', Register, request)).UniqueIdentifier;
}
const other = (kind: string) => others.find(([name]) => name === kind)?.[1] as ManagedObjectValue;

const key = await storedKey(service);
const bytes = (count: number) => new Uint8Array(count).fill(1);
const bad = 'BadCryptographicParameters';

function splitting(rest: object = {}) {
  return {
    ObjectType: 'SplitKey',
    UniqueIdentifier: key,
    SplitKeyParts: 3,
    SplitKeyThreshold: 2,
    SplitKeyMethod: 'PolynomialSharingGF2_8',
    Attributes: having(),
    ...rest,
  };
}

async function removed(operation: typeof Archive | typeof Destroy, id: string): Promise<string> {
  await succeed(service, '1.4', operation, { UniqueIdentifier: id });
  return id;
}

t.test('Create Split Key refuses objects that cannot be divided', async (t) => {
  const of = (UniqueIdentifier: string | undefined, rest = {}) => splitting({ UniqueIdentifier, ...rest });
  const long = await registered({
    type: 'SecretData',
    value: {
      SecretDataType: 'Seed',
      KeyBlock: { KeyFormatType: 'Raw', KeyValue: { KeyMaterial: bytes(9_000), Attributes: [] } },
    },
  });
  await refuses(t, service, CreateSplitKey, [
    ['unknown', of('nobody'), 'ItemNotFound', 'ObjectNotFound'],
    [
      'of the wrong type',
      of(await registered(other('an opaque object'))),
      'InvalidField',
      'InvalidObjectType',
    ],
    ['archived', of(await removed(Archive, await storedKey(service))), 'ObjectArchived'],
    ['destroyed', of(await removed(Destroy, await storedKey(service))), 'ItemNotFound', 'ObjectDestroyed'],
    ['metadata only', of(await registered(metadataOnly)), 'KeyValueNotPresent'],
    ['wrapped', of(await registered(other('a wrapped key'))), 'FeatureNotSupported'],
    [
      'so long that others would wait',
      of(long, { SplitKeyParts: 60, SplitKeyThreshold: 20 }),
      'InvalidField',
      'ServerLimitExceeded',
    ],
    [
      'too long to look for a prime',
      of(long, { SplitKeyMethod: 'PolynomialSharingPrimeField' }),
      'InvalidField',
      bad,
    ],
  ]);
});

t.test('Create Split Key refuses impossible methods, numbers and primes', async (t) => {
  const prime = (value: Uint8Array) =>
    splitting({ SplitKeyMethod: 'PolynomialSharingPrimeField', PrimeFieldSize: value });
  const label = (value: Extract<Attribute, { vendor: string }>['value']) =>
    splitting({ Attributes: having({ vendor: 'x', name: 'SplitKeyPolynomial', value }) });
  const composite = bytes(40);
  composite[39] = 0xfe;
  await refuses(t, service, CreateSplitKey, [
    ['into another type', splitting({ ObjectType: 'SymmetricKey' }), 'InvalidField', 'InvalidObjectType'],
    ['by no method', splitting({ SplitKeyMethod: 99 as SplitKeyMethod }), 'InvalidField'],
    ['threshold 0', splitting({ SplitKeyThreshold: 0 }), 'InvalidField'],
    ['threshold 1', splitting({ SplitKeyThreshold: 1 }), 'InvalidField'],
    ['a negative threshold', splitting({ SplitKeyThreshold: -2 }), 'InvalidField'],
    ['a threshold above the parts', splitting({ SplitKeyThreshold: 4 }), 'InvalidField'],
    ['no parts', splitting({ SplitKeyParts: 0 }), 'InvalidField'],
    ['more parts than the field has elements', splitting({ SplitKeyParts: 256 }), 'InvalidField'],
    ['2 of 3 by XOR', splitting({ SplitKeyMethod: 'XOR' }), 'InvalidField'],
    ['a prime without need', splitting({ PrimeFieldSize: bytes(40) }), 'InvalidField'],
    ['a prime that is too small', prime(bytes(8)), 'InvalidField', bad],
    ['a composite', prime(composite), 'InvalidField', bad],
    ['a negative prime', prime(new Uint8Array(40).fill(255)), 'InvalidField', bad],
    ['an endless prime', prime(bytes(4_096)), 'InvalidField', bad],
    ['polynomial 299', label({ type: 'Integer', value: 299 }), 'InvalidField', 'InvalidAttributeValue'],
    [
      'polynomial "283"',
      label({ type: 'TextString', value: '283' }),
      'InvalidField',
      'InvalidAttributeValue',
    ],
  ]);
});

t.test('Create Split Key refuses new keys and attributes that do not fit', async (t) => {
  const fresh = (...attributes: Attribute[]) =>
    splitting({ UniqueIdentifier: undefined, Attributes: having(...attributes) });
  await refuses(t, service, CreateSplitKey, [
    ['no algorithm', fresh(length(128)), 'InvalidField'],
    [
      'a length that AES does not have',
      fresh({ name: 'CryptographicAlgorithm', value: 'AES' }, length(100)),
      'InvalidField',
      'UnsupportedCryptographicParameters',
    ],
    [
      'pairs',
      fresh({ name: 'CryptographicAlgorithm', value: 'EC' }, length(256)),
      'InvalidField',
      'UnsupportedCryptographicParameters',
    ],
    ['a Name twice', fresh(...aes, named('n'), named('n')), 'InvalidField', 'NonUniqueNameAttribute'],
    [
      'an attribute of the server',
      fresh(...aes, { name: 'State', value: 'Active' }),
      'InvalidField',
      'AttributeReadOnly',
    ],
    [
      'an attribute of certificates',
      fresh(...aes, { name: 'CertificateType', value: 'X_509' }),
      'InvalidField',
      'InvalidAttribute',
    ],
  ]);
  const impossible = splitting({ ProtectionStorageMasks: { ProtectionStorageMask: [2] } });
  t.equal(await outcome(service, '2.1', CreateSplitKey, impossible), 'ProtectionStorageUnavailable');
});

/** A part of 2 of 3 with changed fields. */
function part(identifier: number, changes: object = {}, block: object = {}): ManagedObjectValue {
  const value = {
    SplitKeyParts: 3,
    KeyPartIdentifier: identifier,
    SplitKeyThreshold: 2,
    SplitKeyMethod: 'PolynomialSharingGF2_8' as const,
    KeyBlock: {
      KeyFormatType: 'Raw' as const,
      KeyValue: { KeyMaterial: bytes(16), Attributes: [] },
      CryptographicAlgorithm: 'AES' as const,
      CryptographicLength: 128,
      ...block,
    },
    ...changes,
  };
  return { type: 'SplitKey', value };
}
const materialOf = (KeyMaterial: Uint8Array | object) => ({ KeyValue: { KeyMaterial, Attributes: [] } });

const joining = (ids: readonly string[], ObjectType: ObjectTypeName = 'SymmetricKey', rest: object = {}) => ({
  ObjectType,
  UniqueIdentifier: ids,
  Attributes: having(),
  ...rest,
});

t.test('Join Split Key refuses parts that do not make up a key', async (t) => {
  const [one, two] = [await registered(part(1)), await registered(part(2))];
  const beside = async (...other: Parameters<typeof part>) =>
    joining([one, await registered(part(...other))]);
  const failure = 'CryptographicFailure';
  const xor = { SplitKeyMethod: 'XOR', SplitKeyThreshold: 3 };
  const sixteen = { SplitKeyMethod: 'PolynomialSharingGF2_16' };
  const all = async (changes: object, block: object = {}) =>
    joining([await registered(part(1, changes, block)), await registered(part(2, changes, block))]);
  const der = { ...materialOf(bytes(16).fill(0x30)), KeyFormatType: 'PKCS_1', CryptographicAlgorithm: 'RSA' };
  const rsa = [await registered(part(1, {}, der)), await registered(part(2, {}, der))];
  await refuses(t, service, JoinSplitKey, [
    ['none', joining([]), 'InvalidMessage'],
    ['unknown', joining([one, 'nobody']), 'ItemNotFound', 'ObjectNotFound'],
    ['not a part', joining([one, key]), 'InvalidField', 'InvalidObjectType'],
    ['archived', joining([one, await removed(Archive, await registered(part(2)))]), 'ObjectArchived'],
    [
      'destroyed',
      joining([one, await removed(Destroy, await registered(part(2)))]),
      'ItemNotFound',
      'ObjectDestroyed',
    ],
    ['too few', joining([one]), failure],
    ['one part twice', joining([one, one]), failure],
    ['a copy of it', await beside(1), failure],
    ['two different first parts', await beside(1, {}, materialOf(bytes(16).fill(2))), failure],
    ['of other methods', await beside(2, sixteen), failure],
    ['of another number of parts', await beside(2, { SplitKeyParts: 4 }), failure],
    ['of another threshold', await beside(2, { SplitKeyThreshold: 3 }), failure],
    ['of other lengths', await beside(2, {}, materialOf(bytes(24))), failure],
    ['of no method', await all({ SplitKeyMethod: 99 }), 'InvalidField', 'UnsupportedCryptographicParameters'],
    ['two of three by XOR', await all(xor), failure],
    ['half an element', await all(sixteen, materialOf(bytes(15))), failure],
    ['a key of another length', await all({}, materialOf(bytes(15))), failure],
    ['without a value', await all({}, { KeyValue: undefined }), 'KeyValueNotPresent'],
    [
      'wrapped',
      await all({}, { KeyValue: bytes(24), KeyWrappingData: { WrappingMethod: 'Encrypt' } }),
      'FeatureNotSupported',
    ],
    ['transparent', await all({}, materialOf({ Key: bytes(16) })), 'InvalidField'],
    ['a private key for AES', joining([one, two], 'PrivateKey'), 'InvalidField'],
    ['bytes that are no private key', joining(rsa, 'PrivateKey'), failure],
  ]);
});

t.test('Register refuses parts that cannot be parts of a key', async (t) => {
  const field = { SplitKeyMethod: 'PolynomialSharingPrimeField' };
  // 2^521 - 1.
  const mersenne = { ...field, PrimeFieldSize: new Uint8Array(72).fill(255, 7).fill(1, 6, 7) };
  const registering = (changes: object, block: object = {}) => {
    const Object = part(1, changes, block);
    return { ObjectType: Object.type, Attributes: having(), Object };
  };
  const tooLong = { ...materialOf(bytes(16)), CryptographicLength: 2 ** 31 - 8 };
  await refuses(t, service, Register, [
    ['a share larger than the prime', registering(mersenne, materialOf(bytes(72).fill(9))), 'InvalidField'],
    [
      'a modulus that is no prime',
      registering({ ...field, PrimeFieldSize: bytes(24).fill(1).fill(0, 0, 8) }),
      'InvalidField',
    ],
    ['a key longer than its prime', registering(mersenne, tooLong), 'InvalidField'],
    ['more parts than the field has', registering({ SplitKeyParts: 300 }), 'InvalidField'],
    ['threshold 1', registering({ SplitKeyThreshold: 1 }), 'InvalidField'],
  ]);
});

t.test('Join Split Key refuses objects that parts cannot make up', async (t) => {
  const ids = [await registered(part(1)), await registered(part(2))];
  const label = async (identifier: number) =>
    registered(part(identifier), {
      vendor: 'x',
      name: 'SplitKeyPolynomial',
      value: { type: 'Integer', value: 283 },
    });
  const nameless = { CryptographicAlgorithm: undefined };
  const silent = [await registered(part(1, {}, nameless)), await registered(part(2, {}, nameless))];
  const as = (...attributes: Attribute[]) =>
    joining(ids, 'SymmetricKey', { Attributes: having(...attributes) });
  await refuses(t, service, JoinSplitKey, [
    ['a public key', joining(ids, 'PublicKey'), 'InvalidField', 'InvalidObjectType'],
    ['parts again', joining(ids, 'SplitKey'), 'InvalidField', 'InvalidObjectType'],
    ['a Secret Data Type of a key', joining(ids, 'SymmetricKey', { SecretDataType: 'Seed' }), 'InvalidField'],
    ['a key of no algorithm', joining(silent), 'InvalidField'],
    [
      'a key of another algorithm',
      as({ name: 'CryptographicAlgorithm', value: 'DES3' }),
      'InvalidField',
      'InvalidAttributeValue',
    ],
    ['a key of another length', as(length(256)), 'InvalidField', 'InvalidAttributeValue'],
    ['a Name twice', as(named('n'), named('n')), 'InvalidField', 'NonUniqueNameAttribute'],
    [
      'an attribute of the server',
      as({ name: 'State', value: 'Active' }),
      'InvalidField',
      'AttributeReadOnly',
    ],
    ['parts over different fields', joining([ids[0] as string, await label(2)]), 'CryptographicFailure'],
  ]);
  const impossible = joining(ids, 'SymmetricKey', {
    ProtectionStorageMasks: { ProtectionStorageMask: [2] },
  });
  t.equal(await outcome(service, '2.1', JoinSplitKey, impossible), 'ProtectionStorageUnavailable');
});

t.test(
  'Create Split Key divides a named key and refuses the Name of another object when Names are unique',
  async (t) => {
    const strict = await TestService.open({ uniqueNames: true });
    t.teardown(() => strict.close());
    const Attributes = having(...aes, named('taken'));
    const { UniqueIdentifier } = await succeed(strict, '2.1', Create, {
      ObjectType: 'SymmetricKey',
      Attributes,
    });
    const split = await succeed(strict, '2.1', CreateSplitKey, splitting({ UniqueIdentifier }));
    const twice = splitting({ UniqueIdentifier, Attributes: having(named('several')) });
    t.equal(await outcome(strict, '1.4', CreateSplitKey, twice), 'InvalidField');
    t.equal(await outcome(strict, '2.1', CreateSplitKey, twice), 'NonUniqueNameAttribute');
    const join = joining(split.UniqueIdentifier, 'SymmetricKey', { Attributes: having(named('taken')) });
    t.equal(await outcome(strict, '1.4', JoinSplitKey, join), 'InvalidField');
    t.equal(await outcome(strict, '2.1', JoinSplitKey, join), 'NonUniqueNameAttribute');
  },
);
