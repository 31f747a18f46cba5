import { createPrivateKey, KeyObject, X509Certificate } from 'node:crypto';
import t from 'tap';
import { issueClient, issueServer } from '../../../../certs/issue.ts';
import { fingerprintOf } from '../../../../src/identity/certificate.ts';
import { ReProvision } from '../../../../src/operations/certificates/re-provision.ts';
import { Revoke } from '../../../../src/operations/lifecycle/revoke.ts';
import { DelegatedLogin } from '../../../../src/operations/sessions/delegated-login.ts';
import { Login } from '../../../../src/operations/sessions/login.ts';
import { Get } from '../../../../src/operations/transfer/get.ts';
import { enumerated } from '../../../client.ts';
import { sendAs, ticketOf } from '../../credentials/credential-headers.ts';
import { type EnrolmentFixture, newAuthority, openEnrolled } from '../../enrolments.ts';
import { createAesPayload2x, outline, uid } from '../../service.ts';
import { ask, attributeOf, everything, materialOf, payloadOf, succeed } from '../ask.ts';
import { clientKeys, links, requestOf } from './authority.ts';

const versions = ['2.0', '2.1'] as const;

const der = (pem: string): Uint8Array => new Uint8Array(new X509Certificate(pem).raw);
const withCsr = (value: Uint8Array, type = 'PKCS_10') => ({
  CertificateRequest: { CertificateRequestType: type, CertificateRequestValue: value },
});
const bringing = (value: Uint8Array, type = 'X_509') => ({
  Certificate: { CertificateType: type, CertificateValue: value },
});

/** Checks that the object has the certificate of the client directory, and returns that certificate. */
async function enrolledCertificate(
  t: Tap,
  { service, entry }: EnrolmentFixture,
  id: string,
): Promise<X509Certificate> {
  const { Object: object } = await succeed(service, '2.1', Get, { UniqueIdentifier: id });
  const value = object as { type: string; value: { CertificateValue: Uint8Array } };
  t.equal(value.type, 'Certificate');
  const certificate = new X509Certificate(value.value.CertificateValue);
  const client = await entry();
  t.equal(client?.fingerprint, fingerprintOf(certificate));
  t.ok(new X509Certificate(client?.certificate as string).raw.equals(certificate.raw));
  return certificate;
}
type Tap = Pick<typeof t, 'equal' | 'ok' | 'same' | 'teardown'>;

t.test('Re-Provision signs a certificate request for the name of the client', async (t) => {
  for (const version of versions) {
    for (const form of ['PKCS_10', 'PEM'] as const) {
      const enrolled = await openEnrolled(t);
      const { service, authority, notifications, sessionCalls, entry } = enrolled;
      const before = await entry();
      await enrolled.enrol('neighbour');
      const request = await requestOf({ subject: 'CN=root,O=Somebody else' });
      const value = form === 'PEM' ? request.pem : request.der;
      const { UniqueIdentifier: id = '' } = await succeed(
        service,
        version,
        ReProvision,
        withCsr(value, form),
      );
      const certificate = await enrolledCertificate(t, enrolled, id);
      t.equal(certificate.subject, 'CN=tester', `${version} ${form}`);
      t.ok(certificate.verify(new X509Certificate(authority.certificate).publicKey));
      t.same(
        { ...(await entry()), fingerprint: '', certificate: '' },
        { ...before, fingerprint: '', certificate: '' },
      );
      t.equal(await attributeOf(service, id, 'State'), 'Active');
      const fingerprint = fingerprintOf(certificate);
      t.same(notifications, [
        { client: 'tester', fingerprint, before: before?.fingerprint, object: id, by: 'certificate request' },
      ]);
      t.same(sessionCalls, [fingerprint, 'replaced']);
    }
  }
});

t.test(
  'Re-Provision accepts a certificate of a trusted authority for the key of the connection',
  async (t) => {
    for (const version of versions) {
      const enrolled = await openEnrolled(t);
      const { service, authority, key } = enrolled;
      const certificate = await issueServer(authority, key, ['whoever']);
      const answer = await succeed(service, version, ReProvision, bringing(der(certificate)));
      const { raw } = await enrolledCertificate(t, enrolled, answer.UniqueIdentifier ?? '');
      t.ok(raw.equals(der(certificate)));
      t.equal(enrolled.notifications[0]?.by, 'certificate');
    }
  },
);

t.test('Re-Provision makes a key and a certificate for a client alone in its group', async (t) => {
  for (const version of versions) {
    const enrolled = await openEnrolled(t);
    const { service, notifications } = enrolled;
    await enrolled.enrol('elsewhere', { group: 'h' });
    const { UniqueIdentifier: id = '' } = await succeed(service, version, ReProvision, {});
    const certificate = await enrolledCertificate(t, enrolled, id);
    const { PrivateKeyLink: keyId = '' } = await links(service, id);
    t.same(await links(service, keyId), { CertificateLink: id });
    const { Object: object } = await succeed(service, version, Get, { UniqueIdentifier: keyId });
    const key = createPrivateKey({ key: Buffer.from(materialOf(object)), format: 'der', type: 'pkcs8' });
    t.ok(certificate.checkPrivateKey(key), version);
    t.equal(notifications[0]?.by, 'generated key');
    t.equal((await service.call(version, 'Destroy', [uid(keyId)])).status, 'Success', 'once it is fetched');
  }
});

t.test('Re-Provision sets the ID Placeholder to the certificate', async (t) => {
  const { service } = await openEnrolled(t);
  const payload = payloadOf('2.1', ReProvision, withCsr((await requestOf()).der));
  const answers = await service.batch('2.1', [{ operation: 'ReProvision', payload }, { operation: 'Get' }]);
  t.equal(outline(answers), 'ReProvision:Success Get:Success');
  t.equal(answers[1]?.id, answers[0]?.id);
});

t.test('Re-Provision changes nothing when it refuses a request', async (t) => {
  const enrolled = await openEnrolled(t);
  const { service, authority, entry, enrol, key } = enrolled;
  const other = await enrol('other', { certificate: (await issueClient(authority, 'other')).certificate });
  const taken = await issueClient(authority, 'taken');
  await enrol('taken', {
    certificate: taken.certificate,
    fingerprint: fingerprintOf(new X509Certificate(taken.certificate)),
  });
  const stranger = await issueClient(await newAuthority('Stranger'), 'tester');
  const long = new Date(Date.now() - 6 * 365 * 86_400_000);
  const expired = await issueClient(authority, 'tester', 'ec', long);
  const early = await issueClient(authority, 'tester', 'ec', new Date(Date.now() + 86_400_000));
  const server = await issueServer(authority, key, ['localhost']);
  const { der: request, pem } = await requestOf();
  const forged = request.slice();
  forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1;
  const trailing = new Uint8Array([...der((await issueClient(authority, 'tester')).certificate), 0]);
  const rows: readonly [string, object, string][] = [
    ['both', { ...withCsr(request), ...bringing(der(taken.certificate)) }, 'InvalidField'],
    ['a signature of another key', withCsr(forged), 'InvalidField'],
    ['no request', withCsr(request.subarray(0, 20)), 'InvalidField'],
    ['an empty request', withCsr(new Uint8Array()), 'InvalidField'],
    ['CRMF', withCsr(request, 'CRMF'), 'FeatureNotSupported'],
    ['PGP', bringing(pem, 'PGP'), 'FeatureNotSupported'],
    ['no certificate', bringing(request), 'InvalidField'],
    ['PEM', bringing(new TextEncoder().encode(stranger.certificate)), 'InvalidField'],
    ['bytes behind it', bringing(trailing), 'InvalidField'],
    ["a stranger's certificate", bringing(der(stranger.certificate)), 'InvalidField'],
    ['one that signed itself', bringing(der((await newAuthority('Self')).certificate)), 'InvalidField'],
    ['the authority itself', bringing(der(authority.certificate)), 'InvalidField'],
    ['an expired one', bringing(der(expired.certificate)), 'InvalidField'],
    ['one to come', bringing(der(early.certificate)), 'InvalidField'],
    ["another client's", bringing(der(taken.certificate)), 'InvalidField'],
    ['a key that others could fetch', {}, 'PermissionDenied'],
  ];
  const [before, objects] = [await service.clients.list(), await everything(service)];
  for (const version of versions) {
    for (const [when, payload, reason] of rows) {
      const answer = await ask(service, version, ReProvision, payload);
      t.equal(answer.reason, reason, `${version}: ${when}: ${answer.message}`);
    }
  }
  const { reason } = await ask(service, '2.1', ReProvision, bringing(der(server)));
  t.equal(reason, undefined, 'a server certificate of ours is good for clients too');
  t.same(enrolled.notifications.length, 1);
  t.same((await service.clients.list()).length, before.length);
  t.same(((await everything(service)) as unknown[]).length, (objects as unknown[]).length + 1);
  t.equal((await entry('other'))?.fingerprint, other.fingerprint);
  t.same(service.unexpected, []);
});

t.test('Re-Provision refuses the certificate that the client has already', async (t) => {
  const { service, authority, key } = await openEnrolled(t);
  const certificate = await issueServer(authority, key, ['tester']);
  await succeed(service, '2.1', ReProvision, bringing(der(certificate)));
  service.sender = { fingerprint: fingerprintOf(new X509Certificate(certificate)) };
  t.equal((await ask(service, '2.1', ReProvision, bringing(der(certificate)))).reason, 'PermissionDenied');
});

t.test('Re-Provision accepts only certificates without an authority', async (t) => {
  const { service, authority, loseKey, key } = await openEnrolled(t);
  loseKey();
  t.equal((await ask(service, '2.1', ReProvision, {})).reason, 'FeatureNotSupported');
  const request = withCsr((await requestOf()).der);
  t.equal((await ask(service, '2.1', ReProvision, request)).reason, 'FeatureNotSupported');
  const certificate = await issueServer(authority, key, ['tester']);
  await succeed(service, '2.1', ReProvision, bringing(der(certificate)));
});

t.test('Re-Provision refuses to sign when the authority has expired', async (t) => {
  const long = new Date(Date.now() - 11 * 365 * 86_400_000);
  const enrolled = await openEnrolled(t, { authority: await newAuthority('Old', long) });
  const before = await enrolled.entry();
  for (const request of [{}, withCsr((await requestOf()).der)])
    t.equal((await ask(enrolled.service, '2.1', ReProvision, request)).reason, 'InvalidField');
  t.same(await enrolled.entry(), before);
});

t.test('Re-Provision serves only the client itself, by its own certificate', async (t) => {
  const { service, enrol, entry, notifications, change } = await openEnrolled(t);
  const request = withCsr((await requestOf()).der);
  const before = await entry();
  const denied = async (principal: object, why: string) => {
    service.sender = principal;
    t.equal((await ask(service, '2.1', ReProvision, request)).reason, 'PermissionDenied', why);
  };
  const own = { fingerprint: before?.fingerprint as string };
  const other = await enrol('other');
  await denied({}, 'no certificate');
  await denied({ fingerprint: other.fingerprint }, "another's certificate");
  await denied({ client: 'other', ...own }, 'another client');
  await denied({ client: 'nobody', ...own }, 'nobody');
  await denied({ ...own, ticket: 'x' }, 'a ticket');
  await denied({ ...own, may: () => false }, 'the role');
  await change(before, { disabled: true });
  await denied(own, 'disabled');
  await change(before, { group: 'h' });
  await denied(own, 'another group');
  t.same(notifications, []);
  t.equal((await entry())?.fingerprint, before?.fingerprint);
});

t.test('Re-Provision makes no key when the role of the client lacks Get', async (t) => {
  const { service } = await openEnrolled(t, { may: (operation) => operation !== 'Get' });
  t.equal((await ask(service, '2.1', ReProvision, {})).reason, 'PermissionDenied');
  t.equal((await ask(service, '2.1', ReProvision, withCsr((await requestOf()).der))).status, 'Success');
});

t.test('Re-Provision refuses tickets, and earlier tickets stay valid after it', async (t) => {
  const enrolled = await openEnrolled(t);
  const { service, entry } = enrolled;
  const login = async () => ticketOf((await succeed(service, '2.1', Login, {})).Ticket.TicketValue.slice());
  const create = { operation: 'Create', payload: createAesPayload2x() };
  const first = await login();
  const rights = { Rights: { Right: [{}] } };
  const given = ticketOf((await succeed(service, '2.1', DelegatedLogin, rights)).Ticket.TicketValue.slice());
  const payload = payloadOf('2.1', ReProvision, {});
  const item = { operation: 'ReProvision', payload };
  t.equal((await sendAs(service, '2.1', [item], first)).reasons, 'PermissionDenied');
  for (const round of [1, 2, 3]) {
    await succeed(service, '2.1', ReProvision, {});
    const client = await entry();
    service.sender = { fingerprint: client?.fingerprint as string };
    t.equal((await sendAs(service, '2.1', [create], first)).reasons, 'Success', `round ${round}`);
    service.otherClients.set('tester', {
      client: 'tester',
      group: 'g',
      fingerprint: client?.fingerprint as string,
      may: () => true,
    });
    service.sender = { client: 'other', fingerprint: 'ff' };
    t.equal((await sendAs(service, '2.1', [create], given)).reasons, 'Success', 'a delegated one');
    service.sender = { fingerprint: client?.fingerprint as string };
  }
  service.sender = { fingerprint: 'ab'.repeat(32) };
  t.equal(
    (await sendAs(service, '2.1', [create], first)).reasons,
    'InvalidTicket',
    'enrolled anew by the operator',
  );
});

t.test('Re-Provision is refused in a job', async (t) => {
  const { service, notifications } = await openEnrolled(t);
  const [answer] = await service.batch(
    '2.1',
    [{ operation: 'ReProvision', payload: payloadOf('2.1', ReProvision, {}) }],
    [enumerated('AsynchronousIndicator', 1)],
  );
  t.equal(answer?.reason, 'FeatureNotSupported');
  t.same(notifications, []);
});

t.test('Re-Provision runs once in a batch, and is undone with the batch', async (t) => {
  const enrolled = await openEnrolled(t);
  const { service, notifications, sessionCalls, entry } = enrolled;
  const before = await entry();
  const item = async () => {
    return {
      operation: 'ReProvision',
      payload: payloadOf('2.1', ReProvision, withCsr((await requestOf()).der)),
    };
  };
  const bad = { operation: 'Get', payload: [uid('nothing')] };
  const undo = enumerated('BatchErrorContinuationOption', 3);
  const goOn = enumerated('BatchErrorContinuationOption', 1);
  await service.batch('2.1', [await item(), bad], [undo]);
  t.same(await entry(), before);
  t.same(notifications, []);
  t.notOk(sessionCalls.includes('replaced'));
  t.same(await everything(service), []);
  const twice = await service.batch('2.1', [await item(), await item(), bad], [goOn]);
  t.equal(outline(twice), 'ReProvision:Success ReProvision:PermissionDenied Get:ObjectNotFound');
  await enrolledCertificate(t, enrolled, twice[0]?.id ?? '');
  t.equal(notifications.length, 1);
});

t.test('one of two simultaneous Re-Provisions succeeds', async (t) => {
  const enrolled = await openEnrolled(t);
  const { service, notifications } = enrolled;
  const both = await Promise.all(
    [0, 1].map(async () => ask(service, '2.1', ReProvision, withCsr((await requestOf()).der))),
  );
  t.same(both.map(({ reason, status }) => reason ?? status).sort(), ['PermissionDenied', 'Success']);
  t.equal(notifications.length, 1);
  await enrolledCertificate(
    t,
    enrolled,
    both.find(({ status }) => status === 'Success')?.payload.UniqueIdentifier ?? '',
  );
});

t.test('Re-Provision refuses a revoked certificate, old or new', async (t) => {
  const enrolled = await openEnrolled(t);
  const { service, authority, entry, change } = enrolled;
  for (const code of ['KeyCompromise', 'CessationOfOperation'] as const) {
    const keys = await clientKeys();
    const request = withCsr((await requestOf({ keys })).der);
    const { UniqueIdentifier: id = '' } = await succeed(service, '2.1', ReProvision, request);
    service.sender = { fingerprint: (await entry())?.fingerprint as string };
    const reason = { RevocationReasonCode: code };
    await succeed(service, '2.1', Revoke, { UniqueIdentifier: id, RevocationReason: reason });
    const refused = await ask(service, '2.1', ReProvision, {});
    t.equal(refused.reason, 'PermissionDenied', code);
    t.match(refused.message, /revoked/);
    // The operator enrols the client again.
    const revoked = (await entry()) as NonNullable<Awaited<ReturnType<typeof entry>>>;
    const certificate = await issueServer(authority, KeyObject.from(keys.privateKey), ['tester']);
    const fingerprint = fingerprintOf(new X509Certificate(certificate));
    await change(revoked, { certificate, fingerprint });
    service.sender = { fingerprint };
    const again = await ask(service, '2.1', ReProvision, bringing(der(revoked.certificate)));
    t.match(again, { reason: 'PermissionDenied', message: /revoked/ });
  }
});

t.test('Re-Provision leaves the old certificate when the store fails', async (t) => {
  const enrolled = await openEnrolled(t);
  const { service, notifications, sessionCalls, entry } = enrolled;
  const before = await entry();
  const { commit } = service.store;
  service.store.commit = async () => {
    throw new Error('the disk is full');
  };
  t.equal((await ask(service, '2.1', ReProvision, {})).reason, 'GeneralFailure');
  service.store.commit = commit;
  t.same(await entry(), before);
  t.same(notifications, []);
  t.notOk(sessionCalls.includes('replaced'));
  await succeed(service, '2.1', ReProvision, {});
});
