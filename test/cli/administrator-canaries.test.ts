import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { privateKeyFromPem } from '../../certs/keys.ts';
import { type AdministratorRole, administratorRoles } from '../../src/identity/administrator.ts';
import type { MethodName } from '../../src/management/api.ts';
import { connectManagement, type ManagementConnection } from '../../src/management/client.ts';
import { bytes, enumerated, integer, structure, text } from '../client.ts';
import { Daemon } from '../fixture/daemon.ts';
import { samples } from '../unit/management/samples.ts';
import { writeCertifiedKey } from './administrator.ts';
import { create, createIssuer } from './issuer.ts';
import { captureCommand } from './run-command.ts';

/** No role of administrators reads a key, whatever it calls: values that are sought for in every answer. */

t.setTimeout(300_000);

const config = '[log]\nlevel = "trace"\n[vault]\nactivationSeconds = 0\n';
const daemon = await Daemon.prepare({ config });
t.teardown(() => daemon.remove());
const { home } = daemon;
const passwordFile = join(home, 'secret-password');
const password = randomBytes(12).toString('hex');
writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });

const material = randomBytes(32);
const secretText = randomBytes(24);
const wrapping = randomBytes(32);
const canaries: ReadonlyMap<string, Uint8Array> = new Map([
  ['a registered key', material],
  ['secret data', secretText],
  ['a digest of a registered key', createHash('sha256').update(material).digest()],
  ['a digest of secret data', createHash('sha256').update(secretText).digest()],
  ['a password of a client and of an administrator', Buffer.from(password)],
  ['the root', Buffer.from(readFileSync(join(home, 'root.key'), 'utf8').trim(), 'hex')],
]);

for (const role of administratorRoles) {
  const certificate = await writeCertifiedKey(home, role);
  await captureCommand(home, 'admin', 'add', role, '--role', role, '--cert', certificate);
}
await captureCommand(home, 'admin', 'add', 'anna', '--role', 'auditor', '--password-file', passwordFile);
await daemon.start();
const { key, kek, secret, issuer, got } = await makeObjects();
await captureCommand(...[home, 'client', 'add', 'other', '--out', join(home, 'other')]);
await captureCommand(
  ...[
    home,
    'client',
    'credential',
    'add',
    'other',
    '--username',
    'u',
    '--password-file',
    passwordFile,
    '--hashed',
  ],
);

async function makeObjects() {
  const client = await daemon.connect();
  const block = (format: number, value: Uint8Array) =>
    structure(
      'KeyBlock',
      enumerated('KeyFormatType', format),
      structure('KeyValue', bytes('KeyMaterial', value)),
      ...(format === 1 ? [enumerated('CryptographicAlgorithm', 3), integer('CryptographicLength', 256)] : []),
    );
  const attributes = structure('Attributes', integer('CryptographicUsageMask', 0x0c));
  const key = await create(
    client,
    'Register',
    ...[enumerated('ObjectType', 2), attributes, structure('SymmetricKey', block(1, material))],
  );
  // A key that can be a recipient: for wrapping alone.
  const kek = await create(
    client,
    'Register',
    enumerated('ObjectType', 2),
    structure('Attributes', integer('CryptographicUsageMask', 0x30)),
    structure('SymmetricKey', block(1, wrapping)),
  );
  const secret = await create(
    client,
    'Register',
    enumerated('ObjectType', 7),
    structure('Attributes', integer('CryptographicUsageMask', 0)),
    structure('SecretData', enumerated('SecretDataType', 1), block(2, secretText)),
  );
  const { certificate } = await createIssuer(client);
  const got = await client.request('2.1', [{ operation: 'Get', payload: [text('UniqueIdentifier', key)] }]);
  await client.close();
  return { key, kek, secret, issuer: certificate, got };
}

/** Returns the names of the canaries that a value has: raw, in hexadecimal or in Base64, at any place. */
function findCanaries(value: unknown): readonly string[] {
  const shown = JSON.stringify(value, (_, each: unknown) =>
    each instanceof Uint8Array
      ? Buffer.from(each).toString('hex')
      : typeof each === 'bigint'
        ? `${each}`
        : each,
  );
  const texts = [Buffer.from(shown)];
  for (const [part] of shown.matchAll(/[0-9a-fA-F]{16,}/g))
    for (const from of [0, 1]) texts.push(Buffer.from(part.slice(from), 'hex'));
  for (const [part] of shown.matchAll(/[A-Za-z0-9+/_-]{12,}/g))
    for (const from of [0, 1, 2, 3]) texts.push(Buffer.from(part.slice(from), 'base64'));
  return [...canaries]
    .filter(([, canary]) => texts.some((each) => each.includes(canary)))
    .map(([name]) => name);
}

/** Real names in place of those of the samples. */
const real: Readonly<Record<string, unknown>> = { key, demo: 'other', ca: issuer };

/** Parameters with the names of what is there; `at` decides between a key and secret data. */
function withRealNames(value: unknown, at: number): unknown {
  if (Array.isArray(value)) return value.map((each) => withRealNames(each, at));
  if (typeof value === 'string' && Object.hasOwn(real, value))
    return value === 'key' && at % 2 === 1 ? secret : real[value];
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withRealNames(each, at)]));
}

/** Methods that end what others need: last. */
const last: readonly MethodName[] = ['object.purge', 'client.remove', 'admin.remove', 'vault.keepRoot'];
const rank = (method: MethodName) => last.indexOf(method);
const methods = (Object.keys(samples) as MethodName[]).toSorted((a, b) => rank(a) - rank(b));

async function connectAs(role: AdministratorRole): Promise<ManagementConnection> {
  const connection = await connectManagement(join(home, 'kmipd.sock'));
  if (connection === undefined) throw new Error('no daemon answers');
  const file = join(home, `${role}.key`);
  await connection.logIn({ name: role, key: privateKeyFromPem(readFileSync(file, 'utf8'), file) });
  return connection;
}

async function callAll(t: Test, role: AdministratorRole): Promise<ReadonlyMap<MethodName, string>> {
  const connection = await connectAs(role);
  const answers = new Map<MethodName, string>();
  for (const method of methods)
    for (const sample of samples[method])
      for (const at of [0, 1]) {
        const params = withRealNames(sample, at) as never;
        const answer: object = await connection.call(method, params).then(
          (result) => ({ result }),
          (error: Error) => ({ error: [error.message, String(error.stack), String(error.cause)] }),
        );
        answers.set(method, JSON.stringify(answer));
        t.strictSame(findCanaries(answer), [], `${role} ${method}`);
      }
  connection.close();
  return answers;
}

t.test('the search finds a key where one is', (t) => {
  t.strictSame(findCanaries(got), ['a registered key']);
  for (const canary of canaries.values())
    for (const encoding of ['hex', 'base64', 'base64url'] as const)
      for (const before of ['', 'a', 'ab', 'abc']) {
        const text = before + Buffer.concat([Buffer.from(before), canary]).toString(encoding);
        t.equal(findCanaries({ some: [text] }).length, 1, text);
      }
  t.end();
});

t.test('only the role that marks recipients sees the digest of one', async (t) => {
  const digest = createHash('sha256').update(wrapping).digest('hex');
  for (const role of administratorRoles) {
    const connection = await connectAs(role);
    const { fingerprint, problem } = await connection.call('object.show', { id: kek });
    connection.close();
    t.strictSame(
      { fingerprint, problem },
      { fingerprint: role === 'admin' ? digest : null, problem: undefined },
    );
  }
});

t.test('no command shows one of them', async (t) => {
  for (const command of [
    ['admin', 'list', '--json'],
    ['admin', 'show', 'anna'],
    ['client', 'credential', 'list', 'other'],
    ['object', 'show', key],
    ['object', 'show', secret],
  ]) {
    const { code, output } = await captureCommand(home, ...command);
    t.equal(code, 0, output);
    t.strictSame(findCanaries(output), [], command.join(' '));
  }
});

// The admin last, because it removes what the others look at.
for (const role of administratorRoles.toReversed())
  t.test(`no method gives a key to the role ${role}`, async (t) => {
    const answers = await callAll(t, role);
    t.equal(answers.size, methods.length);
    t.match(answers.get('object.show'), '"type"', 'what is said of an object');
    t.match(answers.get('credential.list'), '"hasPassword":true');
    const refused = [...answers.values()].filter((answer) => answer.includes('may not call'));
    t.equal(refused.length > 0, role !== 'admin');
  });

t.test('the log has none of them', (t) => {
  t.match(daemon.output, 'a call of the management service was refused');
  t.strictSame(findCanaries(daemon.output), []);
  t.end();
});
