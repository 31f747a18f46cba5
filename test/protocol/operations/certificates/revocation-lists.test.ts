import { webcrypto } from 'node:crypto';
import t from 'tap';
import * as x509 from '../../../../certs/x509.ts';
import type { RevocationReasonCode } from '../../../../codec/enums.ts';
import { ReCertify } from '../../../../src/operations/certificates/re-certify.ts';
import { Activate } from '../../../../src/operations/lifecycle/activate.ts';
import { Archive } from '../../../../src/operations/lifecycle/archive.ts';
import { Destroy } from '../../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../../src/operations/lifecycle/revoke.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import type { RevocationList } from '../../../../src/protocol/revocation-lists.ts';
import { TestService } from '../../service.ts';
import { ask, having, succeed } from '../ask.ts';
import {
  type Authority,
  attribute,
  authority,
  certificateOf,
  certified,
  day,
  ecdsa,
  extracted,
  keyPair,
  linkTo,
  opened,
  p256,
  readX509,
  subordinate,
  year,
} from './authority.ts';
import { listOf, listsOf, revoke, serialOf, week } from './revocation.ts';

const read = ({ der }: RevocationList) => new x509.X509Crl(new Uint8Array(der));

/** Returns the serial numbers in a list, sorted. */
const serials = (list: RevocationList) =>
  read(list)
    .entries.map((entry) => entry.serialNumber)
    .toSorted();

t.test('an empty revocation list names issuer, dates and number, and is signed by the issuer', async (t) => {
  const service = await opened(t);
  const root = await authority(service);
  const list = await listOf(service, root);
  const crl = read(list);
  t.match(list, { number: 1, entries: 0, nextUpdate: service.now / 1000 + week });
  t.equal(crl.issuer, readX509(root.der).subject);
  t.equal(crl.thisUpdate.getTime(), service.now);
  t.equal(crl.nextUpdate?.getTime(), service.now + week * 1000);
  t.equal(crl.entries.length, 0);
  t.ok(await crl.verify({ publicKey: readX509(root.der).publicKey }, webcrypto as Crypto));
  t.equal(
    crl.getExtension(x509.AuthorityKeyIdentifierExtension)?.keyId,
    readX509(root.der).getExtension(x509.SubjectKeyIdentifierExtension)?.keyId,
  );
  t.equal((await listOf(service, root)).number, 2, 'the next one has the next number');
  const middle = await subordinate(service, root, 'middle');
  t.equal((await listOf(service, middle)).number, 1, 'every issuer counts for itself');
});

t.test('a revocation list gives every reason its code and dates', async (t) => {
  const service = await opened(t);
  const root = await authority(service);
  const since = service.now / 1000;
  const rows: [reason: RevocationReasonCode, code: x509.X509CrlReason | undefined, occurrence?: number][] = [
    ['Unspecified', undefined],
    ['KeyCompromise', x509.X509CrlReason.keyCompromise, since - day],
    ['CACompromise', x509.X509CrlReason.cACompromise],
    ['AffiliationChanged', x509.X509CrlReason.affiliationChanged],
    ['Superseded', x509.X509CrlReason.superseded],
    ['CessationOfOperation', x509.X509CrlReason.cessationOfOperation],
    ['PrivilegeWithdrawn', x509.X509CrlReason.privilegeWithdrawn],
  ];
  const leaves: Authority[] = [];
  for (const [reason, , occurrence] of rows) {
    const leaf = await certified(service, root, String(reason));
    service.now += day * 1000;
    await revoke(service, leaf.certificate, reason, occurrence);
    leaves.push(leaf);
  }
  const list = await listOf(service, root);
  t.equal(list.entries, rows.length);
  for (const [at, [reason, code, occurrence]] of rows.entries()) {
    const entry = read(list).findRevoked(serialOf(leaves[at] as Authority));
    t.equal(entry?.reason, code, String(reason));
    t.equal(entry?.revocationDate.getTime(), (since + (at + 1) * day) * 1000, `${reason}: when`);
    const invalid = entry?.invalidity?.getTime();
    if (occurrence !== undefined) t.equal(invalid, occurrence * 1000, `${reason}: since when`);
    t.not(entry?.extensions.length, 0, `${reason}: no empty list of extensions`);
  }
  await revoke(service, leaves[5]?.certificate as string, 'KeyCompromise');
  const worse = read(await listOf(service, root)).findRevoked(serialOf(leaves[5] as Authority));
  t.equal(worse?.reason, x509.X509CrlReason.keyCompromise, 'what becomes known later counts');
});

t.test('a revocation list contains the revoked certificates of its issuer only', async (t) => {
  const service = await opened(t);
  const root = await authority(
    service,
    'Root',
    p256,
    attribute('DeactivationDate', service.now / 1000 + 9e7),
  );
  const middle = await subordinate(service, root, 'middle');
  const good = await certified(service, root, 'good');
  const expired = await certified(
    service,
    root,
    'over',
    attribute('DeactivationDate', service.now / 1000 + day),
  );
  const bad = await certified(
    service,
    root,
    'bad',
    attribute('DeactivationDate', service.now / 1000 + 40 * day),
  );
  const below = await certified(service, middle, 'below');
  const { UniqueIdentifier: again } = await succeed(service, '2.1', ReCertify, {
    UniqueIdentifier: good.certificate,
  });
  for (const { certificate } of [bad, below, middle]) await revoke(service, certificate);
  t.same(serials(await listOf(service, root)), [serialOf(bad), serialOf(middle)].toSorted());
  t.equal(
    await listsOf(service).make(middle.certificate, week),
    undefined,
    'an issuer that has been revoked makes no list',
  );

  await revoke(service, again, 'Superseded');
  const renewed = serialOf({ der: await certificateOf(service, again) });
  t.same(
    serials(await listOf(service, root)),
    [serialOf(bad), serialOf(middle), renewed].toSorted(),
    'what Re-certify made too',
  );
  await succeed(service, '2.1', Archive, { UniqueIdentifier: bad.certificate });
  t.ok(serials(await listOf(service, root)).includes(serialOf(bad)), 'archived');
  await succeed(service, '2.1', Destroy, { UniqueIdentifier: again });
  t.ok(serials(await listOf(service, root)).includes(renewed), 'destroyed');

  service.now += 2 * day * 1000;
  t.notOk(serials(await listOf(service, root)).includes(serialOf(expired)), 'its own end is no revocation');
  service.now += 60 * day * 1000;
  t.ok(serials(await listOf(service, root)).includes(serialOf(bad)), 'on lists that follow its end');
  service.now += 10 * day * 1000;
  t.same(
    serials(await listOf(service, root)),
    [serialOf(middle), renewed].toSorted(),
    'not for ever: the register of revocations ends a month after the certificate',
  );
});

t.test('a revocation list omits certificates that the server did not issue', async (t) => {
  const service = await opened(t);
  const root = await authority(service);
  const leaf = await certified(service, root, 'leaf');
  const CertificateValue = leaf.der;
  const foreign = async (group: string) => {
    const { payload } = await ask(
      service,
      '2.1',
      Register,
      {
        ObjectType: 'Certificate',
        Attributes: having(attribute('ActivationDate', service.now / 1000)),
        Object: { type: 'Certificate', value: { CertificateType: 'X_509', CertificateValue } },
      },
      group,
    );
    const RevocationReason = { RevocationReasonCode: 'Superseded' } as const;
    await ask(
      service,
      '2.1',
      Revoke,
      { UniqueIdentifier: payload.UniqueIdentifier, RevocationReason },
      group,
    );
  };
  await foreign('g');
  await foreign('other');
  t.equal((await listOf(service, root)).entries, 0, 'a copy, revoked in this group and in another one');
  const twin = await authority(service, 'Root');
  const own = await certified(service, twin, 'own');
  await revoke(service, own.certificate);
  t.same(serials(await listOf(service, twin)), [serialOf(own)]);
  t.equal((await listOf(service, root)).entries, 0, 'of another issuer of the same name');
});

t.test('a renewed issuer continues its revocation list and its numbers', async (t) => {
  const service = await opened(t);
  const root = await authority(service);
  const leaf = await certified(service, root, 'leaf');
  await revoke(service, leaf.certificate);
  const first = await listOf(service, root);
  const { UniqueIdentifier: certificate } = await succeed(service, '2.1', ReCertify, {
    UniqueIdentifier: root.certificate,
  });
  const second = await listOf(service, { ...root, certificate });
  t.same(serials(second), serials(first));
  t.same([first.number, second.number, (await listOf(service, root)).number], [1, 2, 3]);
});

t.test('revocation lists exist for issuers only and are made concurrently', async (t) => {
  const service = await opened(t);
  const lists = listsOf(service);
  t.same(await lists.issuers('g'), []);
  const root = await authority(service);
  const leaf = await certified(service, root, 'leaf');
  t.match(await lists.issuers('g'), [{ id: root.certificate, group: 'g', subject: /CN=Root/ }]);
  t.same(await lists.issuers('other'), [], 'each group has its own');
  for (const id of [leaf.certificate, root.privateKey, 'nobody'])
    t.equal(await lists.make(id, week), undefined, id);
  const made = await Promise.all(Array.from({ length: 4 }, () => listOf(service, root)));
  t.same(made.map(({ number }) => number).toSorted(), [1, 2, 3, 4], 'no number twice');
});

t.test('an issuer makes no revocation list when its certificate allows only certificates', async (t) => {
  const service = await opened(t);
  const root = await authority(service);
  const limited = await x509.X509CertificateGenerator.createSelfSigned(
    {
      name: 'CN=Root, O=Test',
      notBefore: new Date(service.now),
      notAfter: new Date(service.now + year * 1000),
      keys: await extracted(service, root),
      signingAlgorithm: ecdsa,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      ],
    },
    webcrypto as Crypto,
  );
  const CertificateValue = new Uint8Array(limited.rawData);
  const { UniqueIdentifier } = await succeed(service, '2.1', Register, {
    ObjectType: 'Certificate',
    Attributes: having(
      attribute('ActivationDate', service.now / 1000),
      linkTo(root.privateKey, 'PrivateKeyLink'),
    ),
    Object: { type: 'Certificate', value: { CertificateType: 'X_509', CertificateValue } },
  });
  await t.rejects(listsOf(service).make(UniqueIdentifier, week), {
    name: 'NoRevocationListError',
    message: /Key Usage/,
  });
});

t.test('an issuer is found when the group has many keys', async (t) => {
  const service = await opened(t);
  const root = await authority(service);
  for (let other = 0; other < 65; other += 1) {
    const pair = await keyPair(service, p256, 'CertificateSign');
    await succeed(service, '2.1', Activate, { UniqueIdentifier: pair.privateKey });
  }
  t.equal((await listOf(service, root)).entries, 0);
  const leaf = await certified(service, root, 'leaf');
  t.equal(readX509(leaf.der).issuer, readX509(root.der).subject, 'for Certify too, where it is named');
});

t.test('an issued certificate names the URL of its revocation list', async (t) => {
  const service = await TestService.open({ revocationListUrl: 'http://pki.example.com/{issuer}.crl' });
  t.teardown(() => service.close());
  const root = await authority(service);
  const leaf = await certified(service, root, 'leaf');
  const urls = (der: Uint8Array) =>
    readX509(der)
      .getExtension(x509.CRLDistributionPointsExtension)
      ?.distributionPoints.map((point) => point.distributionPoint?.fullName?.[0]?.uniformResourceIdentifier);
  t.same(urls(leaf.der), [`http://pki.example.com/${root.certificate}.crl`]);
  t.equal(urls(root.der), undefined, 'one that is signed by its own key does not');
});
