import { webcrypto } from 'node:crypto';
import t from 'tap';
import * as x509 from '../../../../certs/x509.ts';
import { DeleteAttribute } from '../../../../src/operations/attributes/delete-attribute.ts';
import { Certify } from '../../../../src/operations/certificates/certify.ts';
import { Validate } from '../../../../src/operations/certificates/validate.ts';
import { Activate } from '../../../../src/operations/lifecycle/activate.ts';
import { Archive } from '../../../../src/operations/lifecycle/archive.ts';
import { Revoke } from '../../../../src/operations/lifecycle/revoke.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import type { TestService } from '../../service.ts';
import { attributeOf, having, outcome, succeed } from '../ask.ts';
import {
  authority,
  certified,
  ecdsa,
  forgetRecords,
  keyPair,
  mask,
  name,
  opened,
  subordinate,
} from './authority.ts';
import { inline } from './brought.ts';

/** No certificate that a client adds hides an authority, or takes its requests. */

t.setTimeout(900_000);

const register = (service: TestService, der: Uint8Array) =>
  succeed(service, '2.1', Register, {
    ObjectType: 'Certificate',
    Attributes: having(),
    Object: { type: 'Certificate', value: inline(der) },
  });
const validating = (der: Uint8Array) => ({ Certificate: [inline(der)], UniqueIdentifier: [] });
const judge = async (service: TestService, der: Uint8Array) =>
  (await succeed(service, '2.1', Validate, validating(der))).ValidityIndicator;
const subject = (common: string) => [
  ...name('Subject', { CN: common, O: 'Test' }),
  ...name('Issuer', { CN: common, O: 'Test' }),
];

t.test(
  'as many certificates of its subject as are examined hide no authority of an older database',
  async (t) => {
    const service = await opened(t);
    const root = await authority(service);
    const leaf = await certified(service, root, 'leaf');
    const twin = await authority(await opened(t));
    const spare = await keyPair(service, undefined, 'CertificateSign');
    const certify = {
      UniqueIdentifier: spare.publicKey,
      Attributes: having(...subject('Root'), mask('CertificateSign')),
    };
    for (let count = 0; count < 255; count++) await register(service, twin.der);
    await forgetRecords(service);
    t.equal(await judge(service, leaf.der), 'Valid', 'the last one that is looked at');
    await register(service, twin.der);
    t.equal(await outcome(service, '2.1', Validate, validating(leaf.der)), 'ServerLimitExceeded', 'Validate');
    t.equal(
      await outcome(service, '2.1', Certify, certify),
      'ServerLimitExceeded',
      'a self-signed authority',
    );
    await register(service, root.der);
    t.equal(await judge(service, leaf.der), 'Valid', 'an authority on record');
  },
);

t.test('long certificates of its subject hide no authority, and are not examined without end', async (t) => {
  const service = await opened(t);
  const root = await authority(service);
  const leaf = await certified(service, root, 'leaf');
  const keys = await webcrypto.subtle.generateKey(ecdsa, true, ['sign', 'verify']);
  const label = 'long'.repeat(15);
  const names = Array.from({ length: 500 }, (_, at) => ({
    type: 'dns' as const,
    value: `host-${at}.${label}.${label}.${label}.example`,
  }));
  const long = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: 'O=Test, CN=Root',
      keys: keys as webcrypto.CryptoKeyPair,
      signingAlgorithm: ecdsa,
      extensions: [new x509.SubjectAlternativeNameExtension(names)],
    },
    webcrypto as Crypto,
  );
  const der = new Uint8Array(long.rawData);
  t.same(
    new Uint8Array(long.subjectName.toArrayBuffer()),
    new Uint8Array(new x509.X509Certificate(root.der as Uint8Array<ArrayBuffer>).subjectName.toArrayBuffer()),
    'the subject of the authority',
  );
  const allowed = Math.floor((4 * 2 ** 20) / der.length);
  t.ok(allowed < 256, `${der.length} bytes each`);
  await forgetRecords(service);
  for (let count = 0; count < allowed - 1; count++) await register(service, der);
  t.equal(await judge(service, leaf.der), 'Valid', `${allowed - 1} of them`);
  for (let count = 0; count < 2; count++) await register(service, der);
  t.equal(
    await outcome(service, '2.1', Validate, validating(leaf.der)),
    'ServerLimitExceeded',
    'beyond 4 MiB',
  );
  await register(service, root.der);
  t.equal(await judge(service, leaf.der), 'Valid', 'an authority on record');
});

t.test('an archived certificate without Links binds its key still', async (t) => {
  const service = await opened(t);
  const root = await authority(service);
  const below = await subordinate(service, root, 'Below');
  for (const id of [below.certificate, below.privateKey, below.publicKey])
    while ((await attributeOf(service, id, 'Link')) !== undefined)
      await succeed(service, '2.1', DeleteAttribute, {
        UniqueIdentifier: id,
        AttributeReference: { name: 'Link' },
      } as never);
  const request = {
    UniqueIdentifier: below.publicKey,
    Attributes: having(
      ...name('Subject', { CN: 'Below' }),
      ...name('Issuer', { CN: 'Below' }),
      mask('CertificateSign'),
    ),
  };
  t.equal(await outcome(service, '2.1', Certify, request), 'PermissionDenied', 'on line');
  await succeed(service, '2.1', Archive, { UniqueIdentifier: below.certificate });
  t.equal(await outcome(service, '2.1', Certify, request), 'PermissionDenied', 'archived');
});

t.test('a later authority whose name has more parts receives no request by a whole name', async (t) => {
  const service = await opened(t);
  const first = await authority(service, 'Corp CA');
  const pair = await keyPair(service);
  const certify = () =>
    outcome(service, '2.1', Certify, {
      UniqueIdentifier: pair.publicKey,
      Attributes: having(
        ...name('Subject', { CN: 'client' }),
        ...name('Issuer', { CN: 'Corp CA', O: 'Test' }),
      ),
    });
  t.equal(await certify(), 'Success', 'before');
  const later = await keyPair(service, undefined, 'CertificateSign');
  await succeed(service, '2.1', Activate, { UniqueIdentifier: later.privateKey });
  const parts = { CN: 'Corp CA', O: 'Test', OU: 'x' };
  await succeed(service, '2.1', Certify, {
    UniqueIdentifier: later.publicKey,
    Attributes: having(...name('Subject', parts), ...name('Issuer', parts), mask('CertificateSign')),
  });
  t.equal(await certify(), 'Success', 'beside a later one');
  const RevocationReason = { RevocationReasonCode: 'CessationOfOperation' } as const;
  await succeed(service, '2.1', Revoke, { UniqueIdentifier: first.certificate, RevocationReason });
  t.equal(await certify(), 'ItemNotFound', 'after the end of the first');
});
