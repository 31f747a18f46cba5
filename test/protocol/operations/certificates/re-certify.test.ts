import t from 'tap';
import type { Attribute } from '../../../../codec/attribute.ts';
import { eraOf } from '../../../../codec/version.ts';
import { nodeCrypto } from '../../../../src/crypto/node/node.ts';
import { ReCertify } from '../../../../src/operations/certificates/re-certify.ts';
import { Archive } from '../../../../src/operations/lifecycle/archive.ts';
import { Destroy } from '../../../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../../../src/operations/lifecycle/revoke.ts';
import { Register } from '../../../../src/operations/transfer/register.ts';
import {
  ask,
  attributeOf,
  contact,
  having,
  named,
  outcome,
  refuses,
  storedKey,
  succeed,
  testedVersions,
} from '../ask.ts';
import {
  attribute,
  authority,
  carrying,
  certificateOf,
  certified,
  day,
  extracted,
  links,
  linkTo,
  mask,
  name,
  opened,
  p256,
  requestOf,
  subordinate,
  year,
} from './authority.ts';

const readDetails = (der: Uint8Array) => nodeCrypto.certification.readCertificate(der);

t.test(
  'Re-certify keeps key and subject, moves names and links both certificates in every version',
  async (t) => {
    const service = await opened(t);
    const root = await authority(service);
    for (const version of testedVersions) {
      const old = await certified(
        service,
        root,
        `app ${version}`,
        named(`certificate ${version}`),
        contact('me'),
      );
      const { fields, payload } = await ask(service, version, ReCertify, {
        UniqueIdentifier: old.certificate,
      });
      t.equal(fields, 'UniqueIdentifier', version);
      const { UniqueIdentifier: id } = payload;
      const der = await certificateOf(service, id);
      const [before, after] = [await readDetails(old.der), await readDetails(der)];
      t.not(der.toHex(), old.der.toHex());
      t.same(after.publicKey, before.publicKey);
      t.same(after.subject, before.subject);
      t.same([after.notBefore, after.notAfter], [before.notBefore, before.notAfter], 'dates are copied');
      t.ok(nodeCrypto.certification.isIssuedBy(der, root.der));
      t.equal(await attributeOf(service, old.certificate, 'Name'), undefined);
      t.match(await attributeOf(service, id, 'Name'), { NameValue: `certificate ${version}` });
      t.equal(await attributeOf(service, id, 'ContactInformation'), 'me');
      t.same(await links(service, id), {
        ReplacedObjectLink: old.certificate,
        CertificateLink: root.certificate,
        PublicKeyLink: old.publicKey,
      });
      t.equal((await links(service, old.certificate)).ReplacementObjectLink, id);
      t.equal((await links(service, old.publicKey)).CertificateLink, id);
      t.equal(await attributeOf(service, old.certificate, 'State'), 'Active', 'the old one stays as it is');
    }
  },
);

t.test('Re-certify copies dates, moves them by the Offset, or takes those of the request', async (t) => {
  const service = await opened(t);
  const now = service.now / 1000;
  const until = (days: number) => attribute('DeactivationDate', now + days * day);
  const root = await authority(service, 'Root', p256, until(5_000));
  const issued = await certified(service, root, 'app', until(100));
  const dates = async (Offset: number | undefined, ...attributes: Attribute[]) => {
    const request = { UniqueIdentifier: issued.certificate, Offset, Attributes: having(...attributes) };
    const { UniqueIdentifier: id } = await succeed(service, '2.1', ReCertify, request);
    const details = await readDetails(await certificateOf(service, id));
    t.equal(await attributeOf(service, id, 'ActivationDate'), details.notBefore);
    t.equal(await attributeOf(service, id, 'DeactivationDate'), details.notAfter);
    return [(details.notBefore - now) / day, (details.notAfter - now) / day];
  };
  t.same(await dates(undefined), [0, 100]);
  service.now += 40 * day * 1000;
  t.same(await dates(undefined), [0, 100]);
  t.same(await dates(0), [40, 140]);
  t.same(await dates(10 * day), [50, 150]);
  t.same(await dates(undefined, until(200)), [0, 200]);
  service.now += 61 * day * 1000;
  const again = { UniqueIdentifier: issued.certificate };
  t.equal(await outcome(service, '2.1', ReCertify, again), 'InvalidField', 'the copied dates are over');
  t.same(await dates(0), [101, 201]);
});

t.test('Re-certify gives a registered certificate its X.509 validity again, from now', async (t) => {
  const service = await opened(t);
  const now = service.now / 1000;
  const until = attribute('DeactivationDate', now + 9 * year);
  const root = await authority(service, 'Root', p256, until);
  const issued = await certified(service, root, 'app', attribute('DeactivationDate', now + 300 * day));
  const { UniqueIdentifier } = await succeed(service, '2.1', Register, {
    ObjectType: 'Certificate',
    Attributes: having(),
    Object: { type: 'Certificate', value: { CertificateType: 'X_509', CertificateValue: issued.der } },
  });
  service.now += 100 * day * 1000;
  const { UniqueIdentifier: id } = await succeed(service, '2.1', ReCertify, { UniqueIdentifier });
  const details = await readDetails(await certificateOf(service, id));
  t.same([(details.notBefore - now) / day, (details.notAfter - now) / day], [100, 400]);
  t.same(await links(service, id), {
    ReplacedObjectLink: UniqueIdentifier,
    CertificateLink: root.certificate,
  });
});

t.test('Re-certify uses the same issuer or its replacement; another one must be named', async (t) => {
  const service = await opened(t);
  const root = await authority(service, 'Root');
  const other = await authority(service, 'Other');
  const middle = await subordinate(service, root, 'Middle');
  const leaf = await certified(service, middle, 'leaf');
  const issuerAfter = async (...attributes: Attribute[]) => {
    const request = { UniqueIdentifier: leaf.certificate, Attributes: having(...attributes) };
    const { UniqueIdentifier: id } = await succeed(service, '2.1', ReCertify, request);
    return (await links(service, id)).CertificateLink;
  };
  t.equal(await issuerAfter(), middle.certificate);
  t.equal(await issuerAfter(linkTo(other.certificate)), other.certificate);
  t.equal(await issuerAfter(...name('Issuer', { CN: 'Root' })), root.certificate);
  const { UniqueIdentifier: renewed } = await succeed(service, '2.1', ReCertify, {
    UniqueIdentifier: middle.certificate,
  });
  const details = await readDetails(await certificateOf(service, renewed));
  t.ok(details.authority, 'an authority stays one');
  t.equal(await issuerAfter(), renewed);
  await succeed(service, '2.1', Revoke, {
    UniqueIdentifier: renewed,
    RevocationReason: { RevocationReasonCode: 'CACompromise' },
  });
  t.equal(await outcome(service, '2.1', ReCertify, { UniqueIdentifier: leaf.certificate }), 'ItemNotFound');
});

t.test('Re-certify signs a self-signed certificate by its own key again', async (t) => {
  const service = await opened(t);
  const root = await authority(service);
  await authority(service, 'Other');
  const { UniqueIdentifier: id } = await succeed(service, '1.0', ReCertify, {
    UniqueIdentifier: root.certificate,
  });
  const details = await readDetails(await certificateOf(service, id));
  t.match(details, { selfSigned: true, authority: true });
  t.same(await links(service, id), { ReplacedObjectLink: root.certificate, PublicKeyLink: root.publicKey });
});

t.test('Re-certify prefers a certificate request for the same key to the old certificate', async (t) => {
  const service = await opened(t);
  const old = await certified(service, await authority(service), 'old');
  const keys = await extracted(service, old);
  const { der } = await requestOf({ subject: 'CN=new', keys });
  const { der: foreign } = await requestOf({ subject: 'CN=new' });
  for (const version of testedVersions) {
    const requestFor = (bytes: Uint8Array) => ({
      UniqueIdentifier: old.certificate,
      ...carrying(version, bytes),
    });
    const { UniqueIdentifier: id } = await succeed(service, version, ReCertify, requestFor(der));
    t.equal(await attributeOf(service, id, 'CertificateSubjectCN'), 'new', version);
    const refusal = eraOf(version) === '1.x' ? 'InvalidField' : 'InvalidCSR';
    t.equal(await outcome(service, version, ReCertify, requestFor(foreign)), refusal, version);
    t.equal(await outcome(service, version, ReCertify, requestFor(Uint8Array.of(1))), refusal, version);
  }
  const { UniqueIdentifier: stored } = await succeed(service, '2.1', Register, {
    ObjectType: 'CertificateRequest',
    Attributes: having(),
    Object: {
      type: 'CertificateRequest',
      value: { CertificateRequestType: 'PKCS_10', CertificateRequestValue: der },
    },
  });
  const byObject = { UniqueIdentifier: old.certificate, CertificateRequestUniqueIdentifier: stored };
  const { UniqueIdentifier: id } = await succeed(service, '2.0', ReCertify, byObject);
  t.equal(await attributeOf(service, id, 'CertificateSubjectCN'), 'new');
  const wrong = { ...byObject, CertificateRequestUniqueIdentifier: old.publicKey };
  t.equal(await outcome(service, '2.0', ReCertify, wrong), 'InvalidObjectType');
  const missing = { ...byObject, CertificateRequestUniqueIdentifier: 'nobody' };
  t.equal(await outcome(service, '2.0', ReCertify, missing), 'ItemNotFound');
});

t.test('Re-certify refuses unsuitable objects and requests', async (t) => {
  const service = await opened(t);
  const now = service.now / 1000;
  const root = await authority(service);
  const issued = await certified(service, root, 'app');
  const archived = await certified(service, root, 'archived');
  await succeed(service, '1.4', Archive, { UniqueIdentifier: archived.certificate });
  const destroyed = await certified(service, root, 'destroyed', attribute('ActivationDate', now + day));
  await succeed(service, '1.4', Destroy, { UniqueIdentifier: destroyed.certificate });
  const compromised = await certified(service, root, 'compromised');
  await succeed(service, '1.4', Revoke, {
    UniqueIdentifier: compromised.certificate,
    RevocationReason: { RevocationReasonCode: 'KeyCompromise' },
  });
  const symmetric = await storedKey(service);
  const { UniqueIdentifier: pgp } = await succeed(service, '2.1', Register, {
    ObjectType: 'Certificate',
    Attributes: having(),
    Object: { type: 'Certificate', value: { CertificateType: 'PGP', CertificateValue: Uint8Array.of(1) } },
  });
  const dated = having(attribute('DeactivationDate', now + day));
  const late = having(attribute('DeactivationDate', now + 2 * year));
  await refuses(t, service, ReCertify, [
    ['no such object', { UniqueIdentifier: 'nobody' }, 'ItemNotFound', 'ObjectNotFound'],
    ['nothing is named', {}, 'ItemNotFound', 'ObjectNotFound'],
    ['a key', { UniqueIdentifier: symmetric }, 'PermissionDenied', 'InvalidObjectType'],
    ['archived', { UniqueIdentifier: archived.certificate }, 'ObjectArchived'],
    ['destroyed', { UniqueIdentifier: destroyed.certificate }, 'ItemNotFound', 'ObjectDestroyed'],
    ['a PGP certificate', { UniqueIdentifier: pgp }, 'FeatureNotSupported'],
    [
      'an Offset beside dates',
      { UniqueIdentifier: issued.certificate, Offset: 1, Attributes: dated },
      'InvalidMessage',
    ],
    ['longer than the issuer', { UniqueIdentifier: issued.certificate, Attributes: late }, 'InvalidField'],
    [
      'an Offset beyond the issuer',
      { UniqueIdentifier: issued.certificate, Offset: 9 * day },
      'InvalidField',
    ],
    [
      'an attribute of the server',
      { UniqueIdentifier: issued.certificate, Attributes: having(attribute('State', 'Active')) },
      'InvalidField',
      'AttributeReadOnly',
    ],
  ]);
  const revoked = { UniqueIdentifier: compromised.certificate };
  t.equal(await outcome(service, '2.1', ReCertify, revoked), 'WrongKeyLifecycleState');
  t.equal(await outcome(service, '1.4', ReCertify, revoked), 'PermissionDenied');
  const promoted = { UniqueIdentifier: issued.certificate, Attributes: having(mask('CertificateSign')) };
  t.equal(
    await outcome(service, '2.1', ReCertify, promoted),
    'IncompatibleCryptographicUsageMask',
    'its key is not one of an authority',
  );
});
