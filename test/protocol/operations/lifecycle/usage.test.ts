import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import { Encrypt } from '../../../../src/operations/cryptography/encrypt.ts';
import { Archive } from '../../../../src/operations/lifecycle/archive.ts';
import { Destroy } from '../../../../src/operations/lifecycle/destroy.ts';
import { GetUsageAllocation } from '../../../../src/operations/lifecycle/get-usage-allocation.ts';
import { TestService } from '../../service.ts';
import { ask, attributeOf, outcome, refuses, storedKey, succeed, testedVersions } from '../ask.ts';

const service = await TestService.open();
t.teardown(() => service.close());

const active: Attribute = { name: 'ActivationDate', value: service.now / 1000 };
const limits = (UsageLimitsTotal: bigint): Attribute => ({
  name: 'UsageLimits',
  value: { UsageLimitsTotal, UsageLimitsUnit: 'Byte' },
});
const left = async (id: string) =>
  ((await attributeOf(service, id, 'UsageLimits')) as { UsageLimitsCount: bigint }).UsageLimitsCount;

t.test('Get Usage Allocation deducts the allocation from the Usage Limits', async (t) => {
  const id = await storedKey(service, active, limits(50n));
  for (const version of testedVersions) {
    const { fields } = await ask(service, version, GetUsageAllocation, {
      UniqueIdentifier: id,
      UsageLimitsCount: 10n,
    });
    t.equal(fields, 'UniqueIdentifier', version);
  }
  t.equal(await left(id), 0n);
  t.equal(
    await outcome(service, '2.1', GetUsageAllocation, { UniqueIdentifier: id, UsageLimitsCount: 0n }),
    'Success',
  );
});

t.test('Get Usage Allocation refuses allocations beyond the limits', async (t) => {
  const id = await storedKey(service, active, limits(10n));
  const without = await storedKey(service, active);
  const early = await storedKey(service, limits(10n));
  const over = await storedKey(service, active, limits(10n), {
    name: 'ProtectStopDate',
    value: service.now / 1000,
  });
  const archived = await storedKey(service, active, limits(10n));
  await succeed(service, '2.1', Archive, { UniqueIdentifier: archived });
  const destroyed = await storedKey(service, limits(10n));
  await succeed(service, '2.1', Destroy, { UniqueIdentifier: destroyed });
  const request = (UniqueIdentifier: string, UsageLimitsCount?: bigint) => ({
    UniqueIdentifier,
    UsageLimitsCount,
  });
  await refuses(t, service, GetUsageAllocation, [
    ['more than is left', request(id, 11n), 'PermissionDenied', 'UsageLimitExceeded'],
    ['fewer than none', request(id, -1n), 'InvalidField'],
    ['no count', request(id), 'InvalidMessage'],
    ['no limits', request(without, 1n), 'IllegalOperation', 'AttributeNotFound'],
    ['an unknown object', request('nobody', 1n), 'ItemNotFound', 'ObjectNotFound'],
    ['an archived object', request(archived, 1n), 'ObjectArchived'],
    ['a destroyed object', request(destroyed, 1n), 'ItemNotFound', 'ObjectDestroyed'],
  ]);
  for (const [name, key] of Object.entries({ early, over })) {
    t.equal(await outcome(service, '1.4', GetUsageAllocation, request(key, 1n)), 'IllegalOperation', name);
    t.equal(
      await outcome(service, '2.1', GetUsageAllocation, request(key, 1n)),
      'WrongKeyLifecycleState',
      name,
    );
    t.equal(await left(key), 10n);
  }
});

t.test('64 concurrent callers never exceed the Usage Limits', async (t) => {
  const id = await storedKey(service, active, limits(100n));
  const answers = await Promise.all(
    Array.from({ length: 64 }, () =>
      ask(service, '2.1', GetUsageAllocation, { UniqueIdentifier: id, UsageLimitsCount: 3n }),
    ),
  );
  t.equal(answers.filter(({ status }) => status === 'Success').length, 33);
  t.ok(answers.every(({ status, reason }) => status === 'Success' || reason === 'UsageLimitExceeded'));
  t.equal(await left(id), 1n);
  await succeed(service, '1.4', GetUsageAllocation, { UniqueIdentifier: id, UsageLimitsCount: 1n });
  t.equal(await left(id), 0n);
});

t.test('allocations and uses by the server count against the same limits, in their unit', async (t) => {
  const encrypt = (UniqueIdentifier: string, length: number) =>
    outcome(service, '2.1', Encrypt, {
      UniqueIdentifier,
      CryptographicParameters: { BlockCipherMode: 'ECB' },
      Data: new Uint8Array(length),
    });
  const bytes = await storedKey(service, active, limits(100n));
  const objects = await storedKey(service, active, {
    name: 'UsageLimits',
    value: { UsageLimitsTotal: 3n, UsageLimitsUnit: 'Object' },
  });
  for (const UniqueIdentifier of [bytes, objects])
    await succeed(service, '2.1', GetUsageAllocation, { UniqueIdentifier, UsageLimitsCount: 1n });
  t.equal(await encrypt(bytes, 96), 'Success');
  t.equal(await left(bytes), 3n);
  t.equal(await encrypt(bytes, 16), 'PermissionDenied');
  t.equal(await encrypt(objects, 96), 'Success');
  t.equal(await encrypt(objects, 96), 'Success');
  t.equal(await left(objects), 0n);
  t.equal(await encrypt(objects, 16), 'PermissionDenied');
});
