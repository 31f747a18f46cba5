import t from 'tap';
import * as x509 from '../../../../certs/x509.ts';
import type { NamingPolicy } from '../../../../src/common/certification-rules.ts';
import type { Protection } from '../../../../src/common/protection.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import { ReCertify } from '../../../../src/operations/certificates/re-certify.ts';
import { CreateKeyPair } from '../../../../src/operations/creation/create-key-pair.ts';
import { Activate } from '../../../../src/operations/lifecycle/activate.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import { TestService } from '../../service.ts';
import { ask, having, succeed } from '../ask.ts';
import {
  attribute,
  authority,
  carrying,
  certificateOf,
  certified,
  keptPair,
  keyPair,
  linkTo,
  mask,
  name,
  p256,
  readX509,
  requestOf,
  subordinate,
} from './authority.ts';
import { openPolicies, domainPolicy as policy } from './policies.ts';

/** Keys that are certified as authorities: with and without a policy of the operator above. */

async function open(
  t: { teardown(close: () => unknown): void },
  policies: readonly NamingPolicy[] = [],
  protection: Protection = 'strict',
) {
  const { service, authorities } = await openPolicies(t, {}, { protection });
  const root = await authority(service, 'Root');
  for (const each of policies) authorities.set(root.certificate, each);
  return { service, root, authorities };
}

/** Creates a key and returns what names it in Certify. */
type MakeKey = (service: TestService) => Promise<object>;
const named = async (pair: Promise<{ readonly publicKey: string }>) => ({
  UniqueIdentifier: (await pair).publicKey,
});
const ca = new x509.BasicConstraintsExtension(true, undefined, true);
const outside = async () => carrying('2.1', (await requestOf({ subject: 'CN=Sub', extensions: [ca] })).der);

/** Keys, with what a server without a policy answers, and one with a policy that allows authorities. */
const keys: Readonly<Record<string, readonly [MakeKey, free: string, bound: string]>> = {
  'a key that never leaves': [(service) => named(keptPair(service)), 'Success', 'Success'],
  'a key for lists too': [
    (service) => named(keptPair(service, mask('CertificateSign', 'CRLSign'))),
    'Success',
    'Success',
  ],
  'a key that is not Sensitive': [
    (service) => named(keptPair(service, attribute('Sensitive', false))),
    'Success',
    'PermissionDenied',
  ],
  'a key that is Extractable': [
    (service) => named(keptPair(service, attribute('Extractable', true))),
    'Success',
    'PermissionDenied',
  ],
  'a key for data too': [
    (service) => named(keptPair(service, mask('CertificateSign', 'Sign'))),
    'Success',
    'PermissionDenied',
  ],
  'a key that may be divided': [
    (service) => named(keptPair(service, mask('CertificateSign', 'Export'))),
    'Success',
    'PermissionDenied',
  ],
  'a key that was read': [
    async (service) => {
      const pair = keptPair(service, attribute('Sensitive', false), attribute('Extractable', true));
      await succeed(service, '2.1', Get, { UniqueIdentifier: (await pair).privateKey });
      return named(pair);
    },
    'Success',
    'PermissionDenied',
  ],
  'a key for data alone': [
    (service) => named(keyPair(service)),
    'IncompatibleCryptographicUsageMask',
    'IncompatibleCryptographicUsageMask',
  ],
  'a key that is Unrestricted': [
    (service) => named(keptPair(service, mask('Unrestricted'))),
    'IncompatibleCryptographicUsageMask',
    'IncompatibleCryptographicUsageMask',
  ],
  'the public half alone of a pair from outside': [
    async (service) => {
      const elsewhere = await TestService.open();
      const { publicKey } = await keptPair(elsewhere);
      const { Object: value } = await succeed(elsewhere, '2.1', Get, { UniqueIdentifier: publicKey });
      await elsewhere.close();
      return succeed(service, '2.1', Register, {
        ObjectType: 'PublicKey',
        Attributes: having(attribute('ActivationDate', service.now / 1000), mask('Verify')),
        Object: value,
      });
    },
    'PermissionDenied',
    'PermissionDenied',
  ],
  'a request by a key from outside': [outside, 'Success', 'PermissionDenied'],
};

const asAuthority = async (service: TestService, fields: object, issuer: string) => {
  const { status, reason } = await ask(service, '2.1', Certify, {
    ...fields,
    Attributes: having(...name('Subject', { CN: 'Sub' }), mask('CertificateSign'), linkTo(issuer)),
  });
  return status === 'Success' ? status : reason;
};

for (const [what, [makeKey, free, bound]] of Object.entries(keys))
  t.test(`as authority is certified: ${what}`, async (t) => {
    for (const [policies, protection, expected] of [
      [[], 'strict', free],
      [[policy], 'strict', bound],
      [[policy], 'kmip', bound === 'Success' ? 'PermissionDenied' : bound],
      [[{ ...policy, subordinates: false }], 'strict', bound === 'Success' ? 'PermissionDenied' : bound],
    ] as const) {
      const { service, root } = await open(t, policies, protection);
      const title = `${policies.map(({ subordinates }) => `subordinates ${subordinates}`)}, ${protection}`;
      t.equal(await asAuthority(service, await makeKey(service), root.certificate), expected, title);
    }
  });

t.test('no self-signed authority has a key that signs data', async (t) => {
  const { service } = await open(t);
  for (const [bits, expected] of [
    [['CertificateSign'], 'Success'],
    [['Unrestricted'], 'IncompatibleCryptographicUsageMask'],
    [['Sign', 'Unrestricted'], 'IncompatibleCryptographicUsageMask'],
  ] as const) {
    const { PrivateKeyUniqueIdentifier: key, PublicKeyUniqueIdentifier } = await succeed(
      service,
      '2.1',
      CreateKeyPair,
      {
        CommonAttributes: having(...p256),
        PrivateKeyAttributes: having(mask(...bits)),
        PublicKeyAttributes: having(mask('Verify')),
      },
    );
    await succeed(service, '2.1', Activate, { UniqueIdentifier: key });
    const own = [...name('Subject', { CN: `Own ${bits}` }), ...name('Issuer', { CN: `Own ${bits}` })];
    const { status, reason } = await ask(service, '2.1', Certify, {
      UniqueIdentifier: PublicKeyUniqueIdentifier,
      Attributes: having(...own, mask('CertificateSign')),
    });
    t.equal(status === 'Success' ? status : reason, expected, bits.join());
  }
});

t.test('an authority below a policy has it as critical Name Constraints, renewed as well', async (t) => {
  const { service, root, authorities } = await open(t, [policy]);
  const constraintsOf = (der: Uint8Array) => readX509(der).getExtension('2.5.29.30');
  const below = await subordinate(service, root, 'Below', keptPair);
  const lowest = await subordinate(service, below, 'Lowest', keptPair);
  const renewal = { UniqueIdentifier: below.certificate };
  const { UniqueIdentifier: renewed } = await succeed(service, '2.1', ReCertify, renewal);
  for (const der of [below.der, lowest.der, await certificateOf(service, renewed)]) {
    t.equal(constraintsOf(der)?.critical, true);
    t.match(Buffer.from(constraintsOf(der)?.value ?? new ArrayBuffer(0)).toString('latin1'), /kmip\.example/);
  }
  const leaf = await certified(service, lowest, 'a.kmip.example');
  t.equal(constraintsOf(leaf.der), null, 'none in the certificate of an end entity');
  t.equal(constraintsOf(root.der), null, 'none in that of the authority itself');
  authorities.set(root.certificate, { ...policy, domains: ['other.example'] });
  const { reason } = await ask(service, '2.1', ReCertify, { UniqueIdentifier: renewed });
  t.equal(reason, 'PermissionDenied', 'another policy since');
  authorities.set(root.certificate, { ...policy, subordinates: false });
  const again = await ask(service, '2.1', ReCertify, { UniqueIdentifier: renewed });
  t.equal(again.reason, 'PermissionDenied', 'authorities are not allowed any more');
});
