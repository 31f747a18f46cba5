import t from 'tap';
import type { MethodName, ParamsOf } from '../../../src/management/api.ts';
import { RequestError } from '../../../src/management/errors.ts';
import { readParams, readRequest } from '../../../src/management/params.ts';

const base64 = (bytes: number) => Buffer.alloc(bytes, 7).toString('base64');
const fingerprint = 'a1'.repeat(32);
const password = { N: 32_768, r: 8, p: 1, salt: base64(16), hash: base64(32) };
const hash = (bytes: number) => ({ s1: base64(bytes), s2Hash: base64(bytes) });
const hashed = { SHA_256: hash(32), SHA_384: hash(48), SHA_512: hash(64) };
const oneTimePasswords = { client: 'demo', username: 'user', codes: [base64(32)] };

/** Parameters of each method, with every field that it has. */
const samples: { readonly [M in MethodName]: readonly ParamsOf<M>[] } = {
  'client.list': [{}],
  'client.find': [{ name: 'demo' }, { fingerprint }],
  'client.show': [{ name: 'demo' }],
  'client.add': [{ name: 'demo', group: 'default', role: 'full', certificate: 'PEM' }],
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
  'crl.issuers': [{}],
  'crl.make': [{ issuer: 'ca', seconds: 86_400 }],
  'crl.revoke': [{ issuer: 'ca', serial: '0a1b' }],
};

/** Values that no field may have. */
const wrong = [[], -1, '', 1.5, 'x'.repeat(300_000), { toString: 1 }, 'a\u0000', [null]];

/** Fields that may be left out. */
const optional: ReadonlySet<string> = new Set([
  'client.setEndpoint.settings.to',
  'client.setEndpoint.settings.version',
  'credential.addPassword.hashed',
  'credential.addDevice.password',
  ...['client', 'object', 'operation', 'isSuccess', 'since', 'until'].map(
    (name) => `audit.list.filter.${name}`,
  ),
  'policy.explain.object',
  'node.remove.commits',
]);

/** The value at `path` with each of its parts, at any depth, replaced by each wrong value or left out. */
function* altered(value: unknown, path: string): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, part] of Object.entries(value)) {
    const copy = (other: unknown): unknown =>
      Array.isArray(value) ? value.with(Number(key), other) : { ...value, [key]: other };
    for (const other of wrong) yield copy(other);
    for (const other of altered(part, `${path}.${key}`)) yield copy(other);
    if (!Array.isArray(value) && !optional.has(`${path}.${key}`))
      yield Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));
  }
  if (!Array.isArray(value)) yield { ...value, more: 1 };
}

for (const method of Object.keys(samples) as MethodName[])
  t.test(`parameters of ${method} are read in their form only`, (t) => {
    for (const sample of samples[method]) {
      t.strictSame(readParams(method, sample), sample);
      for (const other of altered(sample, method))
        t.throws(() => readParams(method, other), RequestError, JSON.stringify(other).slice(0, 200));
    }
    for (const other of [undefined, null, 1, 'text', []])
      t.throws(() => readParams(method, other), RequestError);
    t.end();
  });

t.test('parameters that contradict each other, or would cost too much, are refused', (t) => {
  const refused: readonly (readonly [MethodName, unknown])[] = [
    ['client.find', {}],
    ['client.find', { name: 'demo', fingerprint }],
    ['client.add', { name: '../demo', group: 'g', role: 'r', certificate: 'PEM' }],
    ['client.setEndpoint', { name: 'demo', settings: { put: true, to: { host: 'a b', port: 1 } } }],
    ['credential.addPassword', { client: 'demo', username: 'u', password: { ...password, N: 2 ** 30 } }],
    ['credential.addDevice', { client: 'demo', fields: {} }],
    ['credential.addOneTimePasswords', { ...oneTimePasswords, codes: Array(101).fill(base64(32)) }],
    ['credential.remove', { client: 'demo' }],
    ['credential.remove', { client: 'demo', username: 'u', all: true }],
    ['crl.make', { issuer: 'ca', seconds: 31 * 86_400 }],
    ['crl.revoke', { issuer: 'ca', serial: 'abc' }],
    ['client.show', JSON.parse('{"name":"demo","__proto__":{}}')],
  ];
  for (const [method, params] of refused)
    t.throws(() => readParams(method, params), RequestError, `${method} ${JSON.stringify(params)}`);
  t.end();
});

t.test('requests with another form, or for no method, are refused', (t) => {
  const good = { id: 1, method: 'client.list', params: {} };
  t.strictSame(readRequest(good), good);
  for (const bad of [
    null,
    [],
    { ...good, more: 1 },
    { ...good, id: -1 },
    { ...good, id: '1' },
    { ...good, method: 'client.none' },
    { ...good, method: 'constructor' },
    { ...good, method: ['client.list'] },
  ])
    t.throws(() => readRequest(bad), RequestError, JSON.stringify(bad));
  t.end();
});
