import t from 'tap';
import type { MethodName } from '../../../src/management/api.ts';
import { RequestError } from '../../../src/management/errors.ts';
import { readLogin, readParams, readRequest } from '../../../src/management/params.ts';
import { base64, certificate, fingerprint, oneTimePasswords, password, samples } from './samples.ts';

/** Values that no field may have, and one that only identifiers of objects may: clients choose any text. */
const wrong = [[], -1, '', 1.5, 'x'.repeat(300_000), { toString: 1 }, [null]];
const unprintable = 'a\u0000';
const identifiers: ReadonlySet<string> = new Set(['id', 'object', 'issuer']);

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
  'grant.add.until',
  'grant.list.object',
  'node.remove.commits',
]);

/** The value at `path` with each of its parts, at any depth, replaced by each wrong value or left out. */
function* altered(value: unknown, path: string): Generator<unknown> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, part] of Object.entries(value)) {
    const copy = (other: unknown): unknown =>
      Array.isArray(value) ? value.with(Number(key), other) : { ...value, [key]: other };
    for (const other of wrong) yield copy(other);
    if (!identifiers.has(key) || path.startsWith('approval.')) yield copy(unprintable);
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
    ['client.add', { name: '../demo', group: 'g', role: 'r', certificate }],
    ['client.setEndpoint', { name: 'demo', settings: { put: true, to: { host: 'a b', port: 1 } } }],
    ['credential.addPassword', { client: 'demo', username: 'u', password: { ...password, N: 2 ** 30 } }],
    ['credential.addDevice', { client: 'demo', fields: {} }],
    ['credential.addOneTimePasswords', { ...oneTimePasswords, codes: Array(101).fill(base64(32)) }],
    ['credential.remove', { client: 'demo' }],
    ['grant.add', { object: 'key', operations: ['Get'] }],
    ['grant.remove', { object: 'key', client: 'demo', group: 'red' }],
    ['credential.remove', { client: 'demo', username: 'u', all: true }],
    ['admin.add', { name: 'anna', role: 'root', credential: { certificate } }],
    ['admin.reset', { name: 'anna', credential: {} }],
    ['admin.reset', { name: 'anna', credential: { password } }],
    ['admin.reset', { name: 'anna', credential: { certificate, password } }],
    ['crl.make', { issuer: 'ca', seconds: 31 * 86_400 }],
    ['crl.revoke', { issuer: 'ca', serial: 'abc' }],
    ['client.show', JSON.parse('{"name":"demo","__proto__":{}}')],
  ];
  for (const [method, params] of refused)
    t.throws(() => readParams(method, params), RequestError, `${method} ${JSON.stringify(params)}`);
  t.end();
});

t.test('a URI with a PIN is refused, by a line that says what to give', (t) => {
  const pin = { code: 'REQUEST', message: /^params\.uri must not contain a PIN .*pin-source=file:PATH$/ };
  for (const uri of ['pkcs11:token=t?pin-value=canary', 'pkcs11:PIN%2dVALUE=canary;token=t']) {
    t.throws(() => readParams('vault.addRoot', { uri, mayBeLive: false }), pin);
    t.throws(() => readParams('vault.prepareRoot', { uri, isMade: true, publicKey: null }), pin);
  }
  const uri = 'pkcs11:token=t?pin-source=file:/pin-value';
  t.match(readParams('vault.addRoot', { uri, mayBeLive: false }), { uri });
  t.end();
});

t.test('text before, between and after certificates is refused', (t) => {
  const read = (text: string) => {
    const credential = { certificate: text };
    readParams('admin.reset', { name: 'anna', credential });
    readParams('client.add', { name: 'demo', group: 'g', role: 'r', certificate: text });
  };
  const other = certificate.replace('\n', '\r\n');
  for (const good of [certificate, `\n ${certificate}\n${other}\n`]) read(good);
  const [line = '', ...rest] = certificate.split('\n');
  const bad = [
    ...[`Subject: CN=somebody\n${certificate}`, `${certificate}and\n${certificate}`, `${certificate}.`],
    ...[certificate.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE'), `${line}\nA: b\n${rest.join('\n')}`],
    ...[`${line}\nAAAA\n-----END CERTIFICATE-----\n`, `${certificate}${line}\n-----END CERTIFICATE-----\n`],
  ];
  const refusal = {
    code: 'REQUEST',
    message: /certificates in PEM that can be read, with nothing but white/,
  };
  for (const text of bad) t.throws(() => read(text), refusal, text);
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
    { ...good, signature: '' },
    { ...good, signature: 'no Base64' },
  ])
    t.throws(() => readRequest(bad), RequestError, JSON.stringify(bad));
  t.end();
});

t.test('logins with another form are refused', (t) => {
  for (const good of [
    { name: 'anna', input: base64(100) },
    { name: 'anna', input: null },
  ])
    t.strictSame(readLogin(good), good);
  for (const bad of [
    null,
    {},
    { name: 'anna' },
    { name: 'an na', input: null },
    { name: 'anna', input: '' },
    { name: 'anna', input: 'A'.repeat(9_000) },
    { name: 'anna', input: null, role: 'admin' },
  ])
    t.throws(() => readLogin(bad), RequestError, JSON.stringify(bad).slice(0, 100));
  t.end();
});
