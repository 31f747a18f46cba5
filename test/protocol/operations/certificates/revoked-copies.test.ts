import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import { ManagedObject } from '../../../../src/object/managed-object.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import { ReCertify } from '../../../../src/operations/certificates/re-certify.ts';
import { Validate } from '../../../../src/operations/certificates/validate.ts';
import { Archive } from '../../../../src/operations/lifecycle/archive.ts';
import { Destroy } from '../../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../../src/operations/lifecycle/revoke.ts';
import { Import } from '../../../../src/operations/transfer/import.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { UnitOfWork } from '../../../../src/protocol/unit-of-work/unit-of-work.ts';
import { TestService } from '../../service.ts';
import { having, outcome, succeed } from '../ask.ts';
import { attribute, authority, certified, day, linkTo, name, opened } from './authority.ts';
import { withOtherSignature } from './revocation.ts';

/** What copies of certificates, and destroyed objects, mean for revocations. */

const inline = (der: Uint8Array) => ({ CertificateType: 'X_509', CertificateValue: der }) as const;
const registering = (der: Uint8Array, ...stated: readonly Attribute[]) => ({
  ObjectType: 'Certificate' as const,
  Attributes: having(...stated),
  Object: { type: 'Certificate' as const, value: inline(der) },
});
const register = async (service: TestService, der: Uint8Array) =>
  (await succeed(service, '2.1', Register, registering(der))).UniqueIdentifier;
const revoke = (
  service: TestService,
  UniqueIdentifier: string,
  RevocationReasonCode: 'PrivilegeWithdrawn' | 'KeyCompromise',
) => succeed(service, '2.1', Revoke, { UniqueIdentifier, RevocationReason: { RevocationReasonCode } });
async function judge(service: TestService, ders: readonly Uint8Array[], ValidityDate?: number) {
  const request = { Certificate: ders.map(inline), UniqueIdentifier: [], ValidityDate };
  return (await succeed(service, '2.1', Validate, request)).ValidityIndicator;
}

t.test('a revoked certificate is renewed from no other object', async (t) => {
  const service = await opened(t);
  const root = await authority(service);
  const renew = (UniqueIdentifier: string) =>
    outcome(service, '2.1', ReCertify, { UniqueIdentifier, Attributes: having(linkTo(root.certificate)) });
  for (const reason of ['PrivilegeWithdrawn', 'KeyCompromise'] as const)
    for (const afterwards of [undefined, Archive, Destroy] as const) {
      const leaf = await certified(service, root, 'leaf');
      const copies = [leaf.der, withOtherSignature(leaf.der)];
      const before = await Promise.all(copies.map((der) => register(service, der)));
      t.equal(await renew(before[0] as string), 'Success', 'before');
      await revoke(service, leaf.certificate, reason);
      if (afterwards !== undefined)
        await succeed(service, '2.1', afterwards, { UniqueIdentifier: leaf.certificate });
      const later = await Promise.all(copies.map((der) => register(service, der)));
      for (const id of [...before, ...later])
        t.equal(await renew(id), 'WrongKeyLifecycleState', `${reason} ${afterwards?.name}`);
    }
});

t.test('a compromise after the destruction of an object is known', async (t) => {
  for (const half of ['privateKey', 'publicKey', 'certificate'] as const) {
    const service = await opened(t);
    const root = await authority(service);
    // A certificate is destroyed unrevoked only before it is Active.
    const start = service.now / 1000 + day;
    const leaf = await certified(service, root, 'leaf', attribute('ActivationDate', start));
    const renewed = await succeed(service, '2.1', ReCertify, {
      UniqueIdentifier: leaf.certificate,
      Attributes: having(linkTo(root.certificate)),
    });
    await succeed(service, '2.1', Destroy, { UniqueIdentifier: leaf[half] });
    await revoke(service, leaf[half], 'KeyCompromise');
    const again = {
      UniqueIdentifier: renewed.UniqueIdentifier,
      Attributes: having(linkTo(root.certificate)),
    };
    t.equal(await outcome(service, '2.1', ReCertify, again), 'WrongKeyLifecycleState', half);
    if (half !== 'publicKey') {
      const stated = having(...name('Subject', { CN: 'again' }), linkTo(root.certificate));
      const request = { UniqueIdentifier: leaf.publicKey, Attributes: stated };
      t.equal(await outcome(service, '2.1', Certify, request), 'WrongKeyLifecycleState', half);
    }
    if (half === 'certificate')
      t.equal(
        await judge(service, [withOtherSignature(leaf.der), root.der], start + day),
        'Invalid',
        'another encoding',
      );
  }
});

t.test('a copy ends no certificate without the permission Revoke', async (t) => {
  const denied = new Set<string>();
  const service = await TestService.open({ may: (operation) => !denied.has(operation) });
  t.teardown(() => service.close());
  const root = await authority(service);
  const leaf = await certified(service, root, 'leaf');
  const past = Math.floor(service.now / 1000) - 1;
  const ends = [
    attribute('DeactivationDate', past),
    attribute('DeactivationDate', past + 1_000),
    attribute('CompromiseOccurrenceDate', past),
  ];
  let copies = 0;
  const importing = (der: Uint8Array, ...Attributes: readonly Attribute[]) => ({
    UniqueIdentifier: `copy-${copies++}`,
    Attributes,
    Object: { type: 'Certificate' as const, value: inline(der) },
  });
  for (const version of ['1.4', '2.1'] as const)
    for (const der of [root.der, leaf.der])
      for (const end of ends) {
        const ask = () => [
          // Only Import states what Revoke has set.
          ...(end.name === 'DeactivationDate'
            ? [outcome(service, version, Register, registering(der, end))]
            : []),
          outcome(service, version, Import, importing(der, end)),
        ];
        denied.add('Revoke');
        for (const each of ask()) t.equal(await each, 'PermissionDenied', `${version} ${end.name}: role`);
        denied.clear();
        service.sender = { rights: [{ operations: ['Register', 'Import'] }] };
        for (const each of ask())
          t.equal(
            await each,
            version === '1.4' ? 'PermissionDenied' : 'NotAuthorised',
            `${version} ${end.name}: Right`,
          );
        service.sender = {};
        t.equal(await judge(service, [leaf.der]), 'Valid', `${version} ${end.name}`);
      }
  denied.add('Revoke');
  const elsewhere = await authority(await opened(t), 'Elsewhere');
  t.equal(
    await outcome(service, '2.1', Register, registering(elsewhere.der, ends[0] as Attribute)),
    'Success',
  );
  t.equal(await outcome(service, '2.1', Register, registering(root.der)), 'Success', 'a copy without an end');
  denied.clear();
  const ending = registering(root.der, ends[0] as Attribute);
  t.equal(await outcome(service, '2.1', Register, ending), 'Success', 'with the permission');
  t.equal(await judge(service, [leaf.der]), 'Invalid', 'with the permission it is the end');
});

/** Stores a certificate as versions did that took other encodings than DER. */
async function storeOther(service: TestService, id: string, certificate: Uint8Array): Promise<void> {
  const unit = new UnitOfWork(service.store, service.vault, { uniqueNames: false, now: service.now / 1000 });
  unit.actFor('g');
  const layer = unit.layer();
  const value = { type: 'Certificate', value: inline(certificate) } as const;
  const object = ManagedObject.create({ id, type: 'Certificate', group: 'g', value });
  object.attributes.set('ObjectType', 'Certificate');
  object.attributes.set('State', 'PreActive');
  layer.insert(object);
  layer.keep();
  await unit.commit();
}

t.test('a certificate that is not DER is revoked and destroyed', async (t) => {
  const service = await opened(t);
  const { der } = await authority(service);
  // The SEQUENCE outside has an indefinite length.
  const indefinite = Uint8Array.from([0x30, 0x80, ...der.subarray(4), 0, 0]);
  for (const [what, certificate] of [
    ['BER', indefinite],
    ['nothing', new Uint8Array(0)],
  ] as const)
    for (const reason of ['PrivilegeWithdrawn', 'KeyCompromise'] as const) {
      const id = `${what}-${reason}`;
      await storeOther(service, id, certificate);
      const RevocationReason = { RevocationReasonCode: reason };
      t.equal(
        await outcome(service, '2.1', Revoke, { UniqueIdentifier: id, RevocationReason }),
        'Success',
        id,
      );
      t.equal(await outcome(service, '2.1', Destroy, { UniqueIdentifier: id }), 'Success', id);
    }
});
