import { KeyObject, X509Certificate } from 'node:crypto';
import t from 'tap';
import { issueServer } from '../../../../certs/issue.ts';
import { generateKey } from '../../../../certs/keys.ts';
import { ReProvision } from '../../../../src/operations/certificates/re-provision.ts';
import { type EnrolmentFixture, openEnrolled } from '../../enrolments.ts';
import { ask } from '../ask.ts';
import { clientKeys, requestOf } from './authority.ts';

/** Every form of the request, and whether it proves that the client has the key of the new certificate. */
const forms: Readonly<Record<string, readonly [(enrolled: EnrolmentFixture) => Promise<object>, Result]>> = {
  'a certificate request in DER': [async () => withRequest((await requestOf()).der), 'Success'],
  'a certificate request in PEM': [async () => withRequest((await requestOf()).pem, 'PEM'), 'Success'],
  'a certificate request signed by another key': [
    async () => withRequest(replaceSignature(await requestOf(), await requestOf())),
    /signature does not match its key/,
  ],
  'a certificate of another machine in place of a request': [
    async ({ authority }) => withRequest(await certificateOf(authority)),
    /not a certificate request/,
  ],
  'a certificate for the key of the connection': [
    async ({ authority, key }) => withCertificate(await certificateOf(authority, key)),
    'Success',
  ],
  'a certificate of another machine': [
    async ({ authority }) => withCertificate(await certificateOf(authority)),
    /another key.*send a Certificate Request/,
  ],
  'a certificate of another machine, with a request for the same key': [
    async ({ authority }) => {
      const keys = await clientKeys();
      const certificate = await certificateOf(authority, KeyObject.from(keys.privateKey));
      return { ...withRequest((await requestOf({ keys })).der), ...withCertificate(certificate) };
    },
    /send one of them/,
  ],
  'neither, so that the server makes the key': [async () => ({}), 'Success'],
};
type Result = 'Success' | RegExp;

t.test(
  'Re-Provision changes the certificate only for a key that the client has proven to have',
  async (t) => {
    for (const version of ['2.0', '2.1'] as const)
      for (const [form, [makeRequest, result]] of Object.entries(forms)) {
        const enrolled = await openEnrolled(t);
        const before = await enrolled.entry();
        const answer = await ask(enrolled.service, version, ReProvision, await makeRequest(enrolled));
        const after = await enrolled.entry();
        if (result === 'Success') {
          t.equal(answer.status, 'Success', `${version}: ${form}: ${answer.message}`);
          t.not(after?.fingerprint, before?.fingerprint);
        } else {
          t.match(answer, { status: 'OperationFailed', reason: 'InvalidField', message: result }, form);
          t.same(after, before);
        }
      }
  },
);

t.test('Re-Provision is refused before 2.0', async (t) => {
  const { service } = await openEnrolled(t);
  for (const version of ['1.0', '1.4'] as const)
    t.equal((await service.call(version, 'ReProvision')).reason, 'OperationNotSupported', version);
});

function withRequest(value: Uint8Array, type = 'PKCS_10') {
  return { CertificateRequest: { CertificateRequestType: type, CertificateRequestValue: value } };
}

function withCertificate(value: Uint8Array) {
  return { Certificate: { CertificateType: 'X_509', CertificateValue: value } };
}

/** A certificate of the authority in DER; for a key that no client has when `key` is left out. */
async function certificateOf(authority: EnrolmentFixture['authority'], key?: KeyObject): Promise<Uint8Array> {
  const pem = await issueServer(authority, key ?? (await generateKey('ec')), ['machine']);
  return new Uint8Array(new X509Certificate(pem).raw);
}

/** The first request with the signature of the second; both signatures have the same place at the end. */
function replaceSignature(first: { der: Uint8Array }, second: { der: Uint8Array }): Uint8Array {
  const signed = first.der.slice();
  signed.set(second.der.subarray(-32), signed.length - 32);
  return signed;
}
