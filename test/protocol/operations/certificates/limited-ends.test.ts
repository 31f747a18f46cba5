import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import type { RevocationReasonCode } from '../../../../codec/enums.ts';
import { AddAttribute } from '../../../../src/operations/attributes/add-attribute.ts';
import { SetAttribute } from '../../../../src/operations/attributes/set-attribute.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import { Validate } from '../../../../src/operations/certificates/validate.ts';
import { Revoke } from '../../../../src/operations/lifecycle/revoke.ts';
import type { AnyOperation } from '../../../../src/operations/operation.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Import } from '../../../../src/operations/transfer/import.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import type { TestService } from '../../service.ts';
import { having, outcome, succeed } from '../ask.ts';
import { attribute, authority, certified, linkTo, name, opened } from './authority.ts';

/** Under Rights that are limited to an Object Group a copy ends nothing outside the group. */

t.setTimeout(600_000);

const limited = { rights: [{ groups: ['own'] }] };
const unlimited = { rights: [{}] };
const own: Attribute = { name: 'ObjectGroup', value: 'own' };
const inline = (der: Uint8Array) => ({ CertificateType: 'X_509', CertificateValue: der }) as const;
const registering = (der: Uint8Array, ...stated: readonly Attribute[]) => ({
  ObjectType: 'Certificate' as const,
  Attributes: having(own, ...stated),
  Object: { type: 'Certificate' as const, value: inline(der) },
});
const revoking = (UniqueIdentifier: string, RevocationReasonCode: RevocationReasonCode) => ({
  UniqueIdentifier,
  RevocationReason: { RevocationReasonCode },
});
async function judge(service: TestService, ders: readonly Uint8Array[]) {
  const request = { Certificate: ders.map(inline), UniqueIdentifier: [] };
  return (await succeed(service, '2.1', Validate, request)).ValidityIndicator;
}

interface End {
  readonly operation: AnyOperation;
  /** Builds the request that ends the object with the certificate at `at` (POSIX seconds). */
  request(id: string, der: Uint8Array, at: number): object;
}

const edit = (operation: AnyOperation): End => ({
  operation,
  request: (UniqueIdentifier, _, at) => ({
    UniqueIdentifier,
    NewAttribute: attribute('DeactivationDate', at),
  }),
});
const revoke = (reason: RevocationReasonCode): End => ({
  operation: Revoke,
  request: (id) => revoking(id, reason),
});

/** Every way to end a certificate that a client has registered. */
const ends: Readonly<Record<string, End>> = {
  'Revoke, superseded': revoke('Superseded'),
  'Revoke, compromised': revoke('KeyCompromise'),
  'Add Attribute': edit(AddAttribute),
  'Set Attribute': edit(SetAttribute),
  Register: {
    operation: Register,
    request: (_, der, at) => registering(der, attribute('DeactivationDate', at)),
  },
  Import: {
    operation: Import,
    request: (id, der, at) => ({
      UniqueIdentifier: `i-${id}`,
      Attributes: [own, attribute('DeactivationDate', at)],
      Object: { type: 'Certificate', value: inline(der) },
    }),
  },
};

t.test('no limited Right ends a certificate that was not issued there', async (t) => {
  for (const [what, { operation, request }] of Object.entries(ends))
    for (const [sender, isAllowed] of [
      [limited, false],
      [unlimited, true],
    ] as const) {
      const service = await opened(t);
      const root = await authority(service);
      const leaf = await certified(service, root, 'leaf');
      service.sender = sender;
      const { UniqueIdentifier: copy } = await succeed(service, '2.1', Register, registering(root.der));
      const past = Math.floor(service.now / 1000) - 1;
      const asked = request(copy, root.der, past);
      const label = `${what}, ${isAllowed ? 'unlimited' : 'limited'}`;
      t.equal(
        await outcome(service, '2.1', operation, asked as never),
        isAllowed ? 'Success' : 'NotAuthorised',
        label,
      );
      service.sender = {};
      t.equal(await judge(service, [leaf.der, root.der]), isAllowed ? 'Invalid' : 'Valid', label);
    }
});

t.test('a limited Right ends a certificate that was issued there', async (t) => {
  const service = await opened(t);
  const root = await authority(service);
  const leaf = await certified(service, root, 'leaf', own);
  service.sender = limited;
  await succeed(service, '2.1', Revoke, revoking(leaf.certificate, 'KeyCompromise'));
  service.sender = {};
  t.equal(await judge(service, [leaf.der, root.der]), 'Invalid');
});

t.test('a limited Right compromises a key that a client brought as that object alone', async (t) => {
  for (const [sender, isAlone] of [
    [limited, true],
    [unlimited, false],
  ] as const) {
    const service = await opened(t);
    const root = await authority(service);
    const leaf = await certified(service, root, 'leaf');
    const { Object: key } = await succeed(service, '2.1', Get, { UniqueIdentifier: root.publicKey });
    service.sender = sender;
    const { UniqueIdentifier: copy } = await succeed(service, '2.1', Register, {
      ObjectType: 'PublicKey',
      Attributes: having(own),
      Object: key,
    });
    await succeed(service, '2.1', Revoke, revoking(copy, 'KeyCompromise'));
    service.sender = {};
    const request = {
      UniqueIdentifier: leaf.publicKey,
      Attributes: having(...name('Subject', { CN: 'again' }), linkTo(root.certificate)),
    };
    t.equal(await outcome(service, '2.1', Certify, request), isAlone ? 'Success' : 'ItemNotFound');
  }
});
