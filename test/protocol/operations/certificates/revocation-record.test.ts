import t from 'tap';
import type { RevocationReasonCode } from '../../../../codec/enums.ts';
import { Validate } from '../../../../src/operations/certificates/validate.ts';
import { Activate } from '../../../../src/operations/lifecycle/activate.ts';
import { Destroy } from '../../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../../src/operations/lifecycle/revoke.ts';
import { Import } from '../../../../src/operations/transfer/import.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import type { TestService } from '../../service.ts';
import { attributeOf, having, outcome, succeed } from '../ask.ts';
import { attribute, authority, certified, day, opened } from './authority.ts';
import { withOtherSignature } from './revocation.ts';

const inline = (der: Uint8Array) => ({ CertificateType: 'X_509', CertificateValue: der }) as const;

async function judge(service: TestService, ders: readonly Uint8Array[], ValidityDate?: number) {
  const request = { Certificate: ders.map(inline), UniqueIdentifier: [], ValidityDate };
  return (await succeed(service, '2.1', Validate, request)).ValidityIndicator;
}

const register = async (service: TestService, der: Uint8Array) =>
  (
    await succeed(service, '2.1', Register, {
      ObjectType: 'Certificate',
      Attributes: having(),
      Object: { type: 'Certificate', value: inline(der) },
    })
  ).UniqueIdentifier;

const revoke = (service: TestService, id: string, code: RevocationReasonCode, occurrence?: number) =>
  outcome(service, '2.1', Revoke, {
    UniqueIdentifier: id,
    RevocationReason: { RevocationReasonCode: code },
    CompromiseOccurrenceDate: occurrence,
  });

t.test('a revocation outlives whatever becomes of the object', async (t) => {
  for (const what of [
    'nothing',
    'destroyed',
    'replaced by Import',
    'registered again',
    'signed otherwise',
    'revoked as a copy that is signed otherwise',
  ] as const) {
    const service = await opened(t);
    const root = await authority(service);
    const leaf = await certified(service, root, 'leaf');
    const other = await certified(service, root, 'other');
    const twin = withOtherSignature(leaf.der);
    t.not(twin.toHex(), leaf.der.toHex());
    t.equal(await judge(service, [twin]), 'Valid', 'the other signature is good');
    const isCopy = what === 'revoked as a copy that is signed otherwise';
    const target = isCopy ? await register(service, twin) : leaf.certificate;
    t.equal(await revoke(service, target, 'PrivilegeWithdrawn'), 'Success', what);
    if (what === 'destroyed') await succeed(service, '2.1', Destroy, { UniqueIdentifier: target });
    if (what === 'replaced by Import') {
      await succeed(service, '2.1', Import, {
        UniqueIdentifier: target,
        ObjectType: 'Certificate',
        ReplaceExisting: true,
        Attributes: [],
        Object: { type: 'Certificate', value: inline(other.der) },
      });
    }
    if (what === 'registered again') await register(service, leaf.der);
    for (const der of [leaf.der, twin])
      t.equal(
        await judge(service, [der, root.der]),
        'Invalid',
        `${what}: ${der === twin ? 'twin' : 'itself'}`,
      );
    t.equal(await judge(service, [other.der]), what === 'replaced by Import' ? 'Invalid' : 'Valid', what);
  }
});

t.test('a certificate is revoked in every state', async (t) => {
  const service = await opened(t);
  const root = await authority(service);
  const now = service.now / 1000;
  for (const state of ['PreActive', 'Active', 'Deactivated', 'Destroyed'] as const)
    for (const code of ['CessationOfOperation', 'KeyCompromise'] as const) {
      const start = attribute(
        'ActivationDate',
        state === 'PreActive' || state === 'Destroyed' ? now + day : now,
      );
      const leaf = await certified(service, root, 'leaf', start);
      if (state === 'Deactivated') await revoke(service, leaf.certificate, 'Superseded');
      if (state === 'Destroyed')
        await succeed(service, '2.1', Destroy, { UniqueIdentifier: leaf.certificate });
      t.equal(await attributeOf(service, leaf.certificate, 'State'), state);
      t.equal(await revoke(service, leaf.certificate, code), 'Success', `${state}: ${code}`);
      const at = now + 2 * day;
      t.equal(await judge(service, [leaf.der, root.der], at), 'Invalid', `${state}: ${code}`);
      const next = await attributeOf(service, leaf.certificate, 'State');
      const expected = code === 'KeyCompromise' ? 'Compromised' : 'Deactivated';
      const destroyed = code === 'KeyCompromise' ? 'DestroyedCompromised' : 'Destroyed';
      t.equal(next, state === 'Destroyed' ? destroyed : expected);
    }
});

t.test('Compromise Occurrence Date is at most now and moves earlier only', async (t) => {
  const service = await opened(t);
  const root = await authority(service);
  const now = service.now / 1000;
  const leaf = await certified(service, root, 'leaf');
  const occurrence = () => attributeOf(service, leaf.certificate, 'CompromiseOccurrenceDate');
  for (const [stated, expected] of [
    [now + 100 * day, now],
    [now - 5 * day, now - 5 * day],
    [now - 2 * day, now - 5 * day],
    [now - 9 * day, now - 9 * day],
  ] as const) {
    t.equal(await revoke(service, leaf.certificate, 'KeyCompromise', stated), 'Success');
    t.equal(await occurrence(), expected);
  }
  t.equal(await revoke(service, leaf.certificate, 'Superseded'), 'Success');
  t.match(await attributeOf(service, leaf.certificate, 'RevocationReason'), {
    RevocationReasonCode: 'KeyCompromise',
  });
  const key = await certified(service, root, 'key');
  await succeed(service, '2.1', Activate, { UniqueIdentifier: key.privateKey });
  t.equal(await revoke(service, key.privateKey, 'KeyCompromise', now + day), 'Success');
  t.equal(await attributeOf(service, key.privateKey, 'CompromiseOccurrenceDate'), now, 'of keys too');
});

t.test('a compromised authority ends everything below it at every date', async (t) => {
  for (const half of ['certificate', 'privateKey', 'publicKey'] as const) {
    const service = await opened(t);
    const root = await authority(service);
    const leaf = await certified(service, root, 'leaf');
    service.now += 10 * day * 1000;
    t.equal(await judge(service, [leaf.der]), 'Valid');
    await revoke(service, root[half], 'CACompromise', service.now / 1000);
    t.equal(await judge(service, [leaf.der]), 'Invalid', half);
    t.equal(await judge(service, [leaf.der], service.now / 1000 - 5 * day), 'Invalid', `${half}: before`);
  }
});
