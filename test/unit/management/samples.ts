import { createAuthority } from '../../../certs/issue.ts';
import { generateKey } from '../../../certs/keys.ts';
import type { MethodName, ParamsOf } from '../../../src/management/api.ts';
import type { Caller } from '../../../src/management/caller.ts';

/** Who has the right to open the home, and has not logged in. */
export const namelessCaller: Caller = {
  ...{ name: undefined, role: 'admin', proof: 'process', credentialId: undefined, connection: 1 },
};

export const base64 = (bytes: number) => Buffer.alloc(bytes, 7).toString('base64');
export const fingerprint = 'a1'.repeat(32);
export const password = { N: 32_768, r: 8, p: 1, salt: base64(16), hash: base64(32) };
const hash = (bytes: number) => ({ s1: base64(bytes), s2Hash: base64(bytes) });
const hashed = { SHA_256: hash(32), SHA_384: hash(48), SHA_512: hash(64) };
export const oneTimePasswords = { client: 'demo', username: 'user', codes: [base64(32)] };

export const certificate = await createAuthority('Test', await generateKey('ec'));

/** Parameters of each method, with every field that it has. */
export const samples: { readonly [M in MethodName]: readonly ParamsOf<M>[] } = {
  'client.list': [{}],
  'client.find': [{ name: 'demo' }, { fingerprint }],
  'client.show': [{ name: 'demo' }],
  'client.add': [{ name: 'demo', group: 'default', role: 'full', certificate }],
  'client.setDisabled': [{ name: 'demo', disabled: true }],
  'client.remove': [{ name: 'demo' }],
  'client.endpoint': [{ name: 'demo' }],
  'client.setEndpoint': [
    { name: 'demo', settings: { put: true, to: { host: '::1', port: 5697 }, version: '1.4' } },
    { name: 'demo', settings: null },
  ],
  'credential.list': [{ client: 'demo' }],
  'credential.addPassword': [{ client: 'demo', username: 'user', password, hashed }],
  'credential.addDevice': [{ client: 'demo', fields: { DeviceSerialNumber: '4711' }, password }],
  'credential.addOneTimePasswords': [oneTimePasswords],
  'credential.checkOneTimePasswords': [oneTimePasswords],
  'credential.remove': [
    { client: 'demo', username: 'user' },
    { client: 'demo', fields: { MediaIdentifier: 'm' } },
    { client: 'demo', all: true },
  ],
  'object.show': [{ id: 'key' }],
  'object.mark': [{ id: 'key', fingerprint }],
  'object.unmark': [{ id: 'key' }],
  'object.restorable': [{ after: 0 }],
  'object.restore': [{ id: 'key' }],
  'object.purge': [{ after: 0, destroyedUntil: 1, dryRun: true }],
  'audit.list': [
    {
      ...{ from: 7, isBackward: true },
      filter: { client: 'a', object: 'o', operation: 'Get', isSuccess: false, since: 1, until: 2 },
    },
  ],
  'policy.explain': [
    { client: 'demo', operation: 'Get' },
    { client: 'demo', operation: 'Get', object: 'key' },
  ],
  'grant.add': [
    { object: 'key', client: 'demo', operations: ['Get', 'Encrypt'], until: 1 },
    { object: 'key', group: 'red', operations: ['Get'] },
  ],
  'grant.list': [{}, { object: 'key' }],
  'grant.remove': [
    { object: 'key', client: 'demo' },
    { object: 'key', group: 'red' },
  ],
  'quota.set': [{ group: 'red', objects: 3 }],
  'quota.list': [{}],
  'quota.remove': [{ group: 'red' }],
  'node.list': [{}],
  'node.renew': [{}],
  'node.remove': [{ name: '5d0c8a1b2c3d', commits: 3 }],
  'vault.status': [{}],
  'vault.receiver': [{}],
  'tokenKey.list': [{}],
  'tokenKey.objects': [{ after: 0 }],
  'tokenKey.remove': [{ id: '0123456789abcdef0123456789abcdef', token: 'serial' }],
  'vault.unseal': [{ input: 'bm90aGluZw==' }],
  'vault.tokenLogin': [{}],
  'vault.rotate': [{ renewsSecrets: true }],
  'vault.rewrap': [{ table: 'sealed_record', after: 0, dryRun: true }],
  'vault.prepareRoot': [
    { uri: 'shares:2/3', isMade: true, publicKey: base64(91) },
    { uri: null, isMade: true, publicKey: null },
  ],
  'vault.addRoot': [{ uri: 'file:/root.key', mayBeLive: true }],
  'vault.keepRoot': [{ id: '0123456789abcdef' }],
  'vault.values': [{}],
  'vault.retire': [{ epoch: 2 }],
  'approval.list': [{}],
  'approval.approve': [{ id: '0123456789ab' }],
  'approval.reject': [{ id: '0123456789ab' }],
  'approval.outcome': [{ id: '0123456789ab' }],
  'admin.list': [{}],
  'admin.show': [{ name: 'anna' }],
  'admin.add': [
    { name: 'anna', role: 'operator', credential: { certificate } },
    { name: 'anna', role: 'admin', credential: { password, totp: { hash: 'SHA1', secret: base64(60) } } },
  ],
  'admin.reset': [
    { name: 'anna', credential: { certificate } },
    { name: 'anna', credential: { password, totp: { hash: 'SHA256', secret: base64(60) } } },
  ],
  'admin.setDisabled': [{ name: 'anna', disabled: true }],
  'admin.remove': [{ name: 'anna' }],
  'crl.issuers': [{}],
  'crl.make': [{ issuer: 'ca', seconds: 86_400 }],
  'crl.revoke': [{ issuer: 'ca', serial: '0a1b' }],
};
