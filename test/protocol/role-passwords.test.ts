import { webcrypto, X509Certificate } from 'node:crypto';
import t from 'tap';
import { createAuthority } from '../../certs/issue.ts';
import { generateKey } from '../../certs/keys.ts';
import * as x509 from '../../certs/x509.ts';
import type { Attribute } from '../../codec/attribute.ts';
import type { KeyBlock } from '../../codec/structures/key-block.ts';
import type { ManagedObjectValue } from '../../codec/structures/managed-objects.ts';
import { ReProvision } from '../../src/operations/certificates/re-provision.ts';
import { Activate } from '../../src/operations/lifecycle/activate.ts';
import { Revoke } from '../../src/operations/lifecycle/revoke.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { openEnrolled } from './enrolments.ts';
import { ask, succeed } from './operations/ask.ts';
import { active, mask, register } from './operations/transfer/wrapping-keys.ts';
import { underRole } from './restricted.ts';
import { TestService } from './service.ts';

/** What a restricted role may do with objects that its request leads to: passwords, chains, certificates. */

t.setTimeout(300_000);

const service = await TestService.open();
t.teardown(() => service.close());

const link = (LinkType: 'PKCS_12PasswordLink' | 'PKCS_12CertificateLink', id: string): Attribute => ({
  ...{ name: 'Link', value: { LinkType, LinkedObjectIdentifier: id } },
});
const key = await generateKey('ec');
const der = (pem: string): ManagedObjectValue => {
  const CertificateValue = new Uint8Array(new X509Certificate(pem).raw);
  return { type: 'Certificate', value: { CertificateType: 'X_509', CertificateValue } };
};

/** Returns the private key of a file and its certificate. */
async function fileOf(...ofCertificate: Attribute[]): Promise<readonly [id: string, own: string]> {
  const block = (KeyFormatType: 'Opaque' | 'PKCS_8', KeyMaterial: Uint8Array): KeyBlock => {
    return { KeyFormatType, KeyValue: { KeyMaterial, Attributes: [] } };
  };
  const word = block('Opaque', new TextEncoder().encode('password'));
  const secret = { type: 'SecretData', value: { SecretDataType: 'Password', KeyBlock: word } } as const;
  const password = await register(service, secret, active, mask('DeriveKey'));
  const own = await register(service, der(await createAuthority('own', key)), ...ofCertificate);
  const KeyBlock = block('PKCS_8', new Uint8Array(key.export({ type: 'pkcs8', format: 'der' })));
  const links = [link('PKCS_12PasswordLink', password), link('PKCS_12CertificateLink', own)];
  return [await register(service, { type: 'PrivateKey', value: { KeyBlock } }, active, ...links), own];
}

t.test('a PKCS#12 needs a password and certificates that the role lets the client have', async (t) => {
  const fetching = ['Get'];
  const using = ['Get', 'UseProtectedPassword'];
  for (const [operations, table, attributes, reason, message] of [
    [fetching, { formats: ['PKCS_12', 'Opaque'] }, [active], 'Success', undefined],
    [fetching, { formats: ['PKCS_12'] }, [active], 'PermissionDenied', /UseProtectedPassword/],
    [fetching, { wrapping: 'required' }, [active], 'Sensitive', /only wrapped/],
    [using, { states: ['Active'] }, [], 'WrongKeyLifecycleState', /the object is PreActive/],
    [using, { objectTypes: ['PrivateKey', 'Certificate'] }, [active], 'BadPassword', /leads to no password/],
    [using, { objectTypes: ['PrivateKey', 'SecretData'] }, [active], 'InvalidField', /leads to no X.509/],
  ] as const) {
    service.sender = {};
    const [UniqueIdentifier] = await fileOf(...attributes);
    service.sender = underRole({ operations, ...table });
    const answer = await ask(service, '2.1', Get, { UniqueIdentifier, KeyFormatType: 'PKCS_12' });
    const what = JSON.stringify([operations, table]);
    t.equal(answer.reason ?? answer.status, reason, `${what}: ${answer.message}`);
    if (message !== undefined) t.match(answer.message, message, what);
  }
});

t.test('the state of a password counts', async (t) => {
  service.sender = {};
  const ids = await fileOf(active);
  const [UniqueIdentifier] = ids;
  const RevocationReason = { RevocationReasonCode: 'CessationOfOperation' } as const;
  for (const id of ids) await succeed(service, '2.1', Revoke, { UniqueIdentifier: id, RevocationReason });
  service.sender = underRole({ operations: ['Get', 'UseProtectedPassword'], states: ['Deactivated'] });
  const answer = await ask(service, '2.1', Get, { UniqueIdentifier, KeyFormatType: 'PKCS_12' });
  t.match(answer, { reason: 'WrongKeyLifecycleState', message: /Deactivated only; the object is Active/ });
});

t.test('Re-Provision sees the revocation of a certificate that the role does not reach', async (t) => {
  const enrolled = await openEnrolled(t);
  const { service: own, entry } = enrolled;
  const free = own.sender;
  const UniqueIdentifier = await register(own, der((await entry())?.certificate as string));
  await succeed(own, '2.1', Activate, { UniqueIdentifier });
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const keys = await webcrypto.subtle.generateKey(
    { ...algorithm, modulusLength: 2048, publicExponent: Uint8Array.of(1, 0, 1) },
    true,
    ['sign', 'verify'],
  );
  const name = 'CN=client';
  const csr = await x509.Pkcs10CertificateRequestGenerator.create(
    { name, signingAlgorithm: algorithm, keys },
    webcrypto as Crypto,
  );
  const CertificateRequestValue = new Uint8Array(csr.rawData);
  const CertificateRequest = { CertificateRequestType: 'PKCS_10', CertificateRequestValue };
  const RevocationReason = { RevocationReasonCode: 'KeyCompromise' } as const;
  await succeed(own, '2.1', Revoke, { UniqueIdentifier, RevocationReason });
  own.sender = { ...free, ...underRole({ algorithms: ['RSA'] }) };
  const answer = await ask(own, '2.1', ReProvision, { CertificateRequest });
  t.match(answer, { reason: 'PermissionDenied', message: /has been revoked/ });
});
