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
import { type Authority, attribute, authority, certified, linkTo, name, opened } from './authority.ts';

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
      const { UniqueIdentifier: copy } = await succeed(service, '2.1', Register, registering(leaf.der));
      const past = Math.floor(service.now / 1000) - 1;
      const asked = request(copy, leaf.der, past);
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

/** Who compromises what of the key of an authority, and whether the key itself counts as compromised then. */
const limitedTo = (...objects: readonly string[]) => ({
  rights: [{ objects: [...objects], groups: ['own'] }],
});
type Compromise = (service: TestService, root: Authority) => Promise<readonly [id: string, sender: object]>;
const compromises: Readonly<Record<string, readonly [compromise: Compromise, isOfKey: boolean]>> = {
  'a copy that a client brought': [async (service, root) => [await copyOf(service, root), limited], false],
  'such a copy, without limits': [async (service, root) => [await copyOf(service, root), unlimited], true],
  'a certificate that was issued for a copy': [
    async (service, root) => [await issuedFor(service, await copyOf(service, root)), limited],
    false,
  ],
  'such a certificate, without limits': [
    async (service, root) => [await issuedFor(service, await copyOf(service, root)), unlimited],
    true,
  ],
  'the certificate of the authority': [
    async (_, root) => [root.certificate, limitedTo(root.certificate)],
    false,
  ],
  'the public half alone': [async (_, root) => [root.publicKey, limitedTo(root.publicKey)], false],
  'the public half, of both': [
    async (_, root) => [root.publicKey, limitedTo(root.publicKey, root.privateKey)],
    true,
  ],
  'the private half': [async (_, root) => [root.privateKey, limitedTo(root.privateKey)], true],
};

async function copyOf(service: TestService, { publicKey }: Authority): Promise<string> {
  const { Object: key } = await succeed(service, '2.1', Get, { UniqueIdentifier: publicKey });
  const request = { ObjectType: 'PublicKey', Attributes: having(own), Object: key } as const;
  return (await succeed(service, '2.1', Register, request)).UniqueIdentifier;
}

/** Certifies a public key below another authority, without limits: under limited Rights it is refused. */
async function issuedFor(service: TestService, UniqueIdentifier: string): Promise<string> {
  const other = await authority(service, 'Other');
  const Attributes = having(...name('Subject', { CN: 'copy' }), linkTo(other.certificate), own);
  return (await succeed(service, '2.1', Certify, { UniqueIdentifier, Attributes })).UniqueIdentifier;
}

t.test('a limited Right compromises those keys alone that were made here within it', async (t) => {
  for (const [what, [compromise, isOfKey]] of Object.entries(compromises)) {
    const service = await opened(t);
    const root = await authority(service);
    const [id, sender] = await compromise(service, root);
    service.sender = sender;
    await succeed(service, '2.1', Revoke, revoking(id, 'KeyCompromise'));
    service.sender = {};
    // A second object of the key tells: the object itself is compromised in every row.
    const again = {
      UniqueIdentifier: await copyOf(service, root),
      Attributes: having(
        ...name('Subject', { CN: 'again' }),
        linkTo((await authority(service, 'Third')).certificate),
      ),
    };
    t.equal(
      await outcome(service, '2.1', Certify, again),
      isOfKey ? 'WrongKeyLifecycleState' : 'Success',
      what,
    );
  }
});
