import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import { CryptographicPolicy } from '../../../src/crypto/policy/policy.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../../src/operations/creation/create-key-pair.ts';
import { ReKey } from '../../../src/operations/creation/re-key.ts';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { Query } from '../../../src/operations/server/query.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { Register } from '../../../src/operations/transfer/register.ts';
import { active, Data, withMask } from '../keys.ts';
import { ask, attributeOf, having, outcome, succeed } from '../operations/ask.ts';
import { defaultSettings, TestService } from '../service.ts';
import { FakeToken } from './fake-token.ts';
import { aes, createKey, either, hardware, hmac, pair, software, symmetric, validated } from './keys.ts';

/** Where a new key is made: what the request states, and what the operator demands for its group. */

const token = new FakeToken();
const service = await TestService.open({ tokenKeys: token.policy });
const without = await TestService.open();
t.teardown(() => Promise.all([service.close(), without.close()]));
t.beforeEach(() => {
  token.requiredGroups = [];
});

const stored: Readonly<Record<number, string>> = { 1: 'software', 2: 'token' };

async function placeOf(on: TestService, masks: object | undefined, required = false): Promise<string> {
  token.requiredGroups = required ? ['g'] : [];
  const request = { ...symmetric(...aes), ProtectionStorageMasks: masks };
  const answer = await outcome(on, '2.1', Create, request);
  if (answer !== 'Success') return answer;
  const { UniqueIdentifier } = await succeed(on, '2.1', Create, request);
  return stored[Number(await attributeOf(on, UniqueIdentifier, 'ProtectionStorageMask'))] ?? '?';
}

const refused = 'ProtectionStorageUnavailable';
const table = [
  ['nothing', undefined, 'software', 'software', 'token'],
  ['Software', software, 'software', 'software', refused],
  ['Hardware', hardware, refused, 'token', 'token'],
  ['Hardware or Software', either, 'software', 'token', 'token'],
  ['Validated', validated, refused, refused, refused],
] as const;

for (const [what, masks, withoutToken, withToken, required] of table)
  t.test(`a request that states ${what}`, async (t) => {
    t.equal(await placeOf(without, masks), withoutToken, 'without a token');
    t.equal(await placeOf(service, masks), withToken, 'with a token');
    t.equal(await placeOf(service, masks, true), required, 'where the operator demands it');
  });

t.test('the public half of a pair is kept by software', async (t) => {
  const { PrivateProtectionStorageMasks: _, ...request } = pair('RSA', 2_048);
  const ask = (masks: object) => outcome(service, '2.1', CreateKeyPair, { ...request, ...masks });
  t.equal(await ask({ PrivateProtectionStorageMasks: hardware }), 'Success');
  t.equal(await ask({ CommonProtectionStorageMasks: either }), 'Success');
  t.equal(await ask({ CommonProtectionStorageMasks: hardware }), 'PublicProtectionStorageUnavailable');
  t.equal(await ask({ PublicProtectionStorageMasks: hardware }), 'PublicProtectionStorageUnavailable');
  const contrary = { PrivateProtectionStorageMasks: hardware, CommonProtectionStorageMasks: software };
  t.match(await ask(contrary), /ProtectionStorageUnavailable/);
  token.requiredGroups = ['g'];
  t.equal(await ask({ PrivateProtectionStorageMasks: software }), 'PrivateProtectionStorageUnavailable');
});

t.test('where the operator demands the token, no key is made elsewhere', async (t) => {
  token.requiredGroups = ['g'];
  const key = (name: string, bits: number) =>
    ({
      ObjectType: 'SymmetricKey',
      Attributes: having(
        { name: 'CryptographicAlgorithm', value: name } as Attribute,
        { name: 'CryptographicLength', value: bits },
        withMask('Encrypt'),
        active,
      ),
    }) as const;
  t.equal(await outcome(service, '2.1', Create, key('ChaCha20', 256)), 'UnsupportedCryptographicParameters');
  const made = await succeed(service, '1.4', Create, key('AES', 128));
  t.equal(await attributeOf(service, made.UniqueIdentifier, 'ProtectionStorageMask'), 2);
  const secret = { ObjectType: 'SecretData', Attributes: having(withMask('DeriveKey')) };
  const { UniqueIdentifier } = await succeed(service, '2.1', Create, secret);
  t.equal(await attributeOf(service, UniqueIdentifier, 'ProtectionStorageMask'), 1, 'a secret is no key');
});

t.test('where the operator demands the token and there is none, no key is made', async (t) => {
  const lost = await TestService.open({ tokenKeys: { keys: undefined, isRequiredFor: () => true } });
  t.teardown(() => lost.close());
  for (const [what, masks] of table) t.equal(await placeOf(lost, masks), refused, what);
  const { PrivateProtectionStorageMasks: _, ...request } = pair('RSA', 2_048);
  t.equal(await outcome(lost, '2.1', CreateKeyPair, request), 'PrivateProtectionStorageUnavailable');
  const made = { ObjectType: 'SecretData', Attributes: having(withMask('DeriveKey')) };
  t.equal(await outcome(lost, '2.1', Create, made), 'Success', 'a secret is no key');
});

t.test('a key here is replaced by one in the token, where the operator demands it', async (t) => {
  const request = { ObjectType: 'SymmetricKey', Attributes: having(...aes) };
  const { UniqueIdentifier } = await succeed(service, '2.1', Create, request);
  token.requiredGroups = ['g'];
  const replaced = await succeed(service, '2.1', ReKey, { UniqueIdentifier });
  t.equal(await attributeOf(service, replaced.UniqueIdentifier, 'ProtectionStorageMask'), 2);
  t.equal(await attributeOf(service, replaced.UniqueIdentifier, 'Extractable'), false);
});

t.test('a key in the token is replaced by no other', async (t) => {
  const UniqueIdentifier = await createKey(service);
  const request = { UniqueIdentifier, ProtectionStorageMasks: software };
  t.equal(await outcome(service, '2.1', ReKey, request), refused);
});

t.test('a request that contradicts the token is refused, before anything is made', async (t) => {
  const before = token.keys.size;
  for (const attribute of [
    { name: 'Sensitive', value: false },
    { name: 'Extractable', value: true },
  ] as const)
    t.equal(
      await outcome(service, '2.1', Create, symmetric(...aes, attribute)),
      'InvalidAttributeValue',
      attribute.name,
    );
  const format = { name: 'KeyFormatType', value: 'TransparentSymmetricKey' } as const;
  t.equal(await outcome(service, '2.1', Create, symmetric(...aes, format)), 'KeyFormatTypeNotSupported');
  t.equal(token.keys.size, before);
});

const stated = (value: number) => ({ name: 'ProtectionStorageMask', value }) as const;

t.test('the attribute Protection Storage Mask never says what is not so', async (t) => {
  const [none, inSoftware, inToken] = [0, 1, 2];
  for (const [masks, actual] of [
    [undefined, inSoftware],
    [software, inSoftware],
    [hardware, inToken],
  ] as const)
    for (const value of [none, inSoftware, inToken, 3, 4, 0xff]) {
      const request = { ...symmetric(...aes, stated(value)), ProtectionStorageMasks: masks };
      const before = token.keys.size;
      const answer = await ask(service, '2.1', Create, request);
      const expected = (value & ~actual) === 0 ? undefined : refused;
      t.equal(answer.reason, expected, `${masks?.ProtectionStorageMask}, attribute ${value}`);
      if (expected !== undefined) t.equal(token.keys.size, before, 'nothing is made');
      else
        t.equal(await attributeOf(service, answer.payload.UniqueIdentifier, 'ProtectionStorageMask'), actual);
    }
});

t.test('nor does it of the halves of a pair, of copies, and of what is brought', async (t) => {
  const usual = pair('RSA', 2_048);
  const withStated = (half: 'PrivateKeyAttributes' | 'PublicKeyAttributes', value: number) => ({
    ...usual,
    [half]: having(...usual[half].attributes, stated(value)),
  });
  for (const [half, value, reason] of [
    ['PrivateKeyAttributes', 1, 'PrivateProtectionStorageUnavailable'],
    ['PrivateKeyAttributes', 2, 'Success'],
    ['PublicKeyAttributes', 1, 'Success'],
    ['PublicKeyAttributes', 2, 'PublicProtectionStorageUnavailable'],
  ] as const)
    t.equal(await outcome(service, '2.1', CreateKeyPair, withStated(half, value)), reason);
  const KeyBlock = {
    ...{ KeyFormatType: 'Raw', CryptographicAlgorithm: 'AES', CryptographicLength: 256 },
    KeyValue: { KeyMaterial: new Uint8Array(32).fill(7), Attributes: [] },
  } as const;
  const brought = {
    ObjectType: 'SymmetricKey',
    Object: { type: 'SymmetricKey', value: { KeyBlock } },
  } as const;
  for (const value of [0, 1, 2, 3]) {
    const Attributes = having(...aes, stated(value));
    const { UniqueIdentifier } = await succeed(service, '2.1', Register, { ...brought, Attributes });
    t.equal(await attributeOf(service, UniqueIdentifier, 'ProtectionStorageMask'), 1, `Register ${value}`);
    const id = `imported-${value}`;
    const request = { ...brought, UniqueIdentifier: id, Attributes: [...aes, stated(value)] };
    await succeed(service, '2.1', Import, request as never);
    t.equal(await attributeOf(service, id, 'ProtectionStorageMask'), 1, `Import ${value}`);
    const replaced = await succeed(service, '2.1', ReKey, { UniqueIdentifier: id });
    t.equal(await attributeOf(service, replaced.UniqueIdentifier, 'ProtectionStorageMask'), 1);
  }
});

t.test('Query offers Hardware with a token only', async (t) => {
  for (const [on, masks] of [
    [service, [1, 2]],
    [without, [1]],
  ] as const) {
    const answer = await succeed(on, '2.1', Query, { QueryFunction: ['QueryStorageProtectionMasks'] });
    t.strictSame(answer.ProtectionStorageMasks?.ProtectionStorageMask, masks);
  }
});

t.test('rules of the operator hold for keys in a token', async (t) => {
  const policy = new CryptographicPolicy({ ...defaultSettings, disabled: ['AES=256', 'CTR', 'HMAC_SHA256'] });
  const { keys, ...others } = token.policy;
  const ruled = await TestService.open({ tokenKeys: { keys: policy.restrictTokenKeys(keys), ...others } });
  t.teardown(() => ruled.close());
  const before = token.keys.size;
  t.equal(await outcome(ruled, '2.1', Create, symmetric(...aes)), 'UnsupportedCryptographicParameters');
  t.equal(await outcome(ruled, '2.1', Create, symmetric(...hmac)), 'UnsupportedCryptographicParameters');
  t.equal(token.keys.size, before);
  const bits = { name: 'CryptographicLength', value: 128 } as const;
  const own = aes.filter(({ name }) => name !== 'CryptographicLength');
  const UniqueIdentifier = await createKey(ruled, [...own, bits]);
  const encrypt = (CryptographicParameters: object) =>
    outcome(ruled, '2.1', Encrypt, { UniqueIdentifier, CryptographicParameters, Data });
  t.equal(await encrypt({ BlockCipherMode: 'CTR' }), 'UnsupportedCryptographicParameters');
  t.equal(await encrypt({ BlockCipherMode: 'GCM' }), 'Success');
});
