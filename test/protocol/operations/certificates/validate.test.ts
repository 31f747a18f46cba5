import t from 'tap';
import { Validate } from '../../../../src/operations/certificates/validate.ts';
import { Archive } from '../../../../src/operations/lifecycle/archive.ts';
import { Destroy } from '../../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../../src/operations/lifecycle/revoke.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import type { TestService } from '../../service.ts';
import { ask, having, outcome, refuses, storedKey, succeed, testedVersions } from '../ask.ts';
import {
  type Authority,
  attribute,
  authority,
  certified,
  day,
  opened,
  p256,
  requestOf,
  subordinate,
} from './authority.ts';

interface Chain {
  readonly service: TestService;
  readonly root: Authority;
  readonly middle: Authority;
  readonly leaf: Authority;
}

async function chainOf(t: Parameters<typeof opened>[0]): Promise<Chain> {
  const service = await opened(t);
  const now = service.now / 1000;
  const root = await authority(service, 'Root', p256, attribute('DeactivationDate', now + 3 * 365 * day));
  const middle = await subordinate(service, root, 'Middle');
  const leaf = await certified(service, middle, 'Leaf', attribute('DeactivationDate', now + 100 * day));
  return { service, root, middle, leaf };
}

const inline = (der: Uint8Array) => ({ CertificateType: 'X_509', CertificateValue: der }) as const;

const register = (service: TestService, der: Uint8Array) =>
  succeed(service, '2.1', Register, {
    ObjectType: 'Certificate',
    Attributes: having(),
    Object: { type: 'Certificate', value: inline(der) },
  });

/** Returns the answer of Validate for certificates by value and by identifier. */
async function validate(
  service: TestService,
  ders: readonly Uint8Array[],
  ids: readonly string[] = [],
  ValidityDate?: number,
): Promise<unknown> {
  const request = { Certificate: ders.map(inline), UniqueIdentifier: [...ids], ValidityDate };
  return (await succeed(service, '2.1', Validate, request)).ValidityIndicator;
}

t.test('Validate accepts one chain in every version, in any order, by value and by identifier', async (t) => {
  const { service, root, middle, leaf } = await chainOf(t);
  for (const version of testedVersions) {
    for (const [ders, ids] of [
      [[leaf, middle, root], []],
      [[root, leaf, middle], []],
      [[middle], [root, leaf]],
      [[], [root, middle, leaf]],
      [
        [leaf, leaf],
        [middle, root, leaf],
      ],
      [[leaf], []],
      [[], [leaf]],
      [[], [root]],
      [[middle, leaf], []],
    ] as [Authority[], Authority[]][]) {
      const request = {
        Certificate: ders.map(({ der }) => inline(der)),
        UniqueIdentifier: ids.map(({ certificate }) => certificate),
      };
      const { payload, fields } = await ask(service, version, Validate, request);
      t.equal(fields, 'ValidityIndicator', version);
      t.equal(payload.ValidityIndicator, 'Valid', `${version}: ${ders.length} and ${ids.length}`);
    }
  }
});

t.test('Validate judges a chain at the date of the request', async (t) => {
  const { service, leaf } = await chainOf(t);
  const now = service.now / 1000;
  for (const [days, expected] of [
    [-1, 'Invalid'],
    [0, 'Valid'],
    [99, 'Valid'],
    [100, 'Invalid'],
    [4000, 'Invalid'],
  ] as const) {
    t.equal(await validate(service, [leaf.der], [], now + days * day), expected, `in ${days} days`);
  }
  service.now += 101 * day * 1000;
  t.equal(await validate(service, [leaf.der]), 'Invalid', 'now, when no date is given');
  t.equal(await validate(service, [leaf.der], [], now), 'Valid', 'in the past it was');
});

t.test(
  'Validate rejects a revoked certificate, by value or by identifier, from the date of its revocation on',
  async (t) => {
    for (const which of ['leaf', 'middle', 'root'] as const) {
      const chain = await chainOf(t);
      const { service, leaf, middle, root } = chain;
      const now = service.now / 1000;
      service.now += 10 * day * 1000;
      await succeed(service, '2.1', Revoke, {
        UniqueIdentifier: chain[which].certificate,
        RevocationReason: { RevocationReasonCode: 'CessationOfOperation' },
      });
      const all = [leaf.der, middle.der, root.der];
      t.equal(await validate(service, all), 'Invalid', which);
      t.equal(await validate(service, [], [leaf.certificate]), 'Invalid', which);
      t.equal(await validate(service, all, [], now + 5 * day), 'Valid', `${which}: before`);
      await succeed(service, '1.4', Archive, { UniqueIdentifier: chain[which].certificate });
      t.equal(await validate(service, all), 'Invalid', `${which}: archived too`);
    }
    const { service, leaf } = await chainOf(t);
    const now = service.now / 1000;
    await succeed(service, '2.1', Revoke, {
      UniqueIdentifier: leaf.certificate,
      RevocationReason: { RevocationReasonCode: 'KeyCompromise' },
      CompromiseOccurrenceDate: now + 2 * day,
    });
    t.equal(await validate(service, [leaf.der], [], now + 3 * day), 'Invalid', 'compromised');
  },
);

t.test(
  'Validate rejects a revoked certificate when its object is destroyed or copies are registered later',
  async (t) => {
    const { service, root, middle, leaf } = await chainOf(t);
    service.now += day * 1000;
    const all = [leaf.der, middle.der, root.der];
    await succeed(service, '2.1', Revoke, {
      UniqueIdentifier: leaf.certificate,
      RevocationReason: { RevocationReasonCode: 'PrivilegeWithdrawn' },
    });
    for (let copy = 0; copy < 33; copy += 1) await register(service, leaf.der);
    t.equal(await validate(service, all), 'Invalid', 'copies');
    await succeed(service, '2.1', Destroy, { UniqueIdentifier: leaf.certificate });
    t.equal(await validate(service, all), 'Invalid', 'destroyed');
    await succeed(service, '2.1', Revoke, {
      UniqueIdentifier: root.certificate,
      RevocationReason: { RevocationReasonCode: 'CACompromise' },
      CompromiseOccurrenceDate: service.now / 1000,
    });
    await succeed(service, '2.1', Destroy, { UniqueIdentifier: root.certificate });
    t.equal(await validate(service, [middle.der, root.der]), 'Invalid', 'a root');
    const before = service.now / 1000 - day;
    t.equal(
      await validate(service, [middle.der, root.der], [], before),
      'Invalid',
      'a compromised root may have signed with any date',
    );
  },
);

t.test('Validate answers Unknown for a root that the group does not store', async (t) => {
  const { leaf, middle, root } = await chainOf(t);
  const service = await opened(t);
  const all = [leaf.der, middle.der, root.der];
  t.equal(await validate(service, all), 'Unknown', 'nothing is kept');
  t.equal(await validate(service, [leaf.der]), 'Unknown', 'the rest is not there');
  await register(service, middle.der);
  t.equal(await validate(service, all), 'Unknown', 'the middle alone is kept');
  await register(service, root.der);
  t.equal(await validate(service, all), 'Valid', 'the root is kept');
  t.equal(await validate(service, [leaf.der]), 'Valid');
  const request = { Certificate: [inline(leaf.der)], UniqueIdentifier: [] };
  t.equal((await ask(service, '2.1', Validate, request, 'other')).payload.ValidityIndicator, 'Unknown');
});

t.test('Validate answers Invalid when one certificate is invalid and another unknown', async (t) => {
  const { leaf, middle, root } = await chainOf(t);
  const service = await opened(t);
  const corrupted = new Uint8Array(leaf.der);
  corrupted[corrupted.length - 2] = (corrupted.at(-2) as number) ^ 1;
  t.equal(await validate(service, [corrupted, middle.der, root.der]), 'Invalid');
  t.equal(await validate(service, [leaf.der], [], service.now / 1000 + 4000 * day), 'Invalid');
});

t.test('Validate refuses malformed requests', async (t) => {
  const { service, leaf, root } = await chainOf(t);
  const other = await certified(service, root, 'Other');
  const archived = await certified(service, root, 'Archived');
  await succeed(service, '1.4', Archive, { UniqueIdentifier: archived.certificate });
  const destroyed = await certified(
    service,
    root,
    'Destroyed',
    attribute('ActivationDate', service.now / 1000 + day),
  );
  await succeed(service, '1.4', Destroy, { UniqueIdentifier: destroyed.certificate });
  const key = await storedKey(service);
  const { der: request } = await requestOf();
  const given = (...UniqueIdentifier: string[]) => ({ Certificate: [], UniqueIdentifier });
  const raw = (...ders: Uint8Array[]) => ({ Certificate: ders.map(inline), UniqueIdentifier: [] });
  await refuses(t, service, Validate, [
    ['nothing', given(), 'InvalidMessage'],
    ['two chains', given(leaf.certificate, other.certificate), 'InvalidMessage'],
    ['a chain with a gap', given(leaf.certificate, root.certificate), 'InvalidMessage'],
    ['no such object', given('nobody'), 'ItemNotFound', 'ObjectNotFound'],
    ['a key', given(key), 'InvalidMessage', 'InvalidObjectType'],
    ['archived', given(archived.certificate), 'ObjectArchived'],
    ['destroyed', given(destroyed.certificate), 'ItemNotFound', 'ObjectDestroyed'],
    ['not a certificate', raw(Uint8Array.of(0x30, 0)), 'InvalidField'],
    ['a certificate request', raw(request), 'InvalidField'],
    [
      'a PGP certificate',
      { Certificate: [{ CertificateType: 'PGP', CertificateValue: leaf.der }], UniqueIdentifier: [] },
      'InvalidField',
    ],
    ['too many', raw(...Array.from({ length: 33 }, () => leaf.der)), 'InvalidField'],
  ]);
  t.equal(await outcome(service, '2.1', Validate, given(leaf.certificate)), 'Success');
});
