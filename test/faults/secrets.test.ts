import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { Node } from '../../codec/wire/node.ts';
import {
  bytes,
  type Client,
  encode,
  enumerated,
  integer,
  item,
  type RequestItem,
  readIdentity,
  requestMessage,
  structure,
  text,
  valueOf,
} from '../client.ts';
import { Daemon } from '../fixture/daemon.ts';
import { runKmipd } from '../fixture/kmipd.ts';
import { mutate } from '../fuzz/mutate.ts';
import { Random } from '../fuzz/random.ts';
import { forms, HttpsClient } from '../https-client.ts';
import { found, page, type Secret, written } from './secrets.ts';

// The processes take long on a loaded machine.
t.setTimeout(900_000);

/**
 * Nothing that a client entrusts to the daemon, and no password it shows, may be found in what the daemon
 * writes. Keys are found by any eight bytes in a row, so that a part of one does not pass either.
 */

const random = new Random(20261123);
const ascii = (word: string): Uint8Array => new TextEncoder().encode(word);
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const ec = generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
const jwk = rsa.export({ format: 'jwk' });

const symmetric = random.bytes(32);
const secretData = ascii('correct-horse-battery-staple-4711');
const opaque = random.bytes(48);
const password = 'Tr0ub4dor&3-of-the-client';
const devicePassword = 'device-pass-90125-phrase';
const secrets: Secret[] = [
  { name: 'the symmetric key', bytes: symmetric },
  { name: 'the secret data', bytes: secretData },
  { name: 'the opaque object', bytes: opaque },
  { name: 'the password', bytes: ascii(password) },
  { name: 'the password of a device', bytes: ascii(devicePassword) },
  { name: 'the private exponent', bytes: Buffer.from(jwk.d ?? '', 'base64url') },
  { name: 'a prime of the RSA key', bytes: Buffer.from(jwk.p ?? '', 'base64url') },
  { name: 'the EC private key', bytes: Buffer.from(ec.export({ format: 'jwk' }).d ?? '', 'base64url') },
];

const template = (mask: number, ...more: Node[]): Node =>
  structure(
    'TemplateAttribute',
    structure(
      'Attribute',
      text('AttributeName', 'Cryptographic Usage Mask'),
      integer('AttributeValue', mask),
    ),
    ...more,
  );
const block = (format: number, material: Node, algorithm?: number, length?: number): Node =>
  structure(
    'KeyBlock',
    enumerated('KeyFormatType', format),
    structure('KeyValue', material),
    ...(algorithm === undefined
      ? []
      : [enumerated('CryptographicAlgorithm', algorithm), integer('CryptographicLength', length ?? 0)]),
  );
const material = (value: Uint8Array): Node => bytes('KeyMaterial', value);
const registering = (type: number, mask: number, ...object: Node[]): RequestItem => ({
  operation: 'Register',
  payload: [enumerated('ObjectType', type), template(mask), ...object],
});
const credential = (type: number, ...fields: Node[]): Node =>
  structure(
    'Authentication',
    structure('Credential', enumerated('CredentialType', type), structure('CredentialValue', ...fields)),
  );
const withPassword = credential(1, text('Username', 'somebody'), text('Password', password));
const withDevice = credential(2, text('DeviceSerialNumber', '1'), text('Password', devicePassword));

const registrations: RequestItem[] = [
  registering(2, 12, structure('SymmetricKey', block(1, material(symmetric), 3, 256))),
  registering(
    2,
    12,
    structure('SymmetricKey', block(7, structure('KeyMaterial', bytes('Key', symmetric)), 3, 256)),
  ),
  registering(7, 0, structure('SecretData', enumerated('SecretDataType', 1), block(2, material(secretData)))),
  registering(
    4,
    1,
    structure('PrivateKey', block(4, material(rsa.export({ format: 'der', type: 'pkcs8' })), 4, 2048)),
  ),
  registering(
    4,
    1,
    structure('PrivateKey', block(3, material(rsa.export({ format: 'der', type: 'pkcs1' })), 4, 2048)),
  ),
  registering(
    4,
    1,
    structure('PrivateKey', block(4, material(ec.export({ format: 'der', type: 'pkcs8' })), 6, 256)),
  ),
  registering(
    8,
    0,
    structure('OpaqueObject', enumerated('OpaqueDataType', 0x80000001), bytes('OpaqueDataValue', opaque)),
  ),
];

/** Messages with secrets in wrong places, or malformed after a secret. */
function* misuses(id: string): Generator<Uint8Array> {
  const named = text('UniqueIdentifier', id);
  const attribute = (name: string, value: Node): Node =>
    structure('Attribute', text('AttributeName', name), value);
  const items: RequestItem[] = [
    // Wrong type, wrong length, wrong algorithm, wrong place: each refused with a message about a key.
    registering(
      2,
      12,
      structure('SymmetricKey', block(1, text('KeyMaterial', new TextDecoder().decode(secretData)), 3, 256)),
    ),
    registering(2, 12, structure('SymmetricKey', block(1, material(symmetric), 3, 128))),
    registering(4, 1, structure('PrivateKey', block(4, material(symmetric), 4, 2048))),
    registering(4, 1, structure('PrivateKey', block(0x7f, material(symmetric), 4, 2048))),
    registering(
      7,
      0,
      structure('SecretData', enumerated('SecretDataType', 0x7fffffff), block(1, material(secretData))),
    ),
    registering(
      1,
      0,
      structure('Certificate', enumerated('CertificateType', 1), bytes('CertificateValue', symmetric)),
    ),
    { operation: 'Get', payload: [named, bytes('KeyMaterial', symmetric)] },
    { operation: 'Encrypt', payload: [named, bytes('Data', symmetric)] },
    { operation: 'Locate', payload: [attribute('Cryptographic Length', bytes('AttributeValue', symmetric))] },
    {
      operation: 'AddAttribute',
      payload: [named, attribute('Cryptographic Length', bytes('AttributeValue', symmetric))],
    },
  ];
  for (const item of items) {
    yield encode(requestMessage('1.4', [item], [withPassword]));
    yield encode(requestMessage('2.1', [item], [withDevice]));
  }
  for (const item of registrations) {
    const message = encode(requestMessage('1.4', [item], [withPassword]));
    // Whole messages with a broken inside, by the fuzzer's own hand; framed, so that each is answered.
    for (let number = 0; number < 25; number++) {
      const mutant = mutate([message], new Random(20261123, number));
      const view = new DataView(mutant.buffer, mutant.byteOffset);
      if (mutant.length < 16 || mutant.length % 8 !== 0) continue;
      mutant.set(message.subarray(0, 4));
      view.setUint32(4, mutant.length - 8);
      yield mutant;
    }
  }
}

t.test('the search finds a secret in each of its forms', async (t) => {
  const key = Buffer.from(symmetric);
  const forms = [
    key,
    key.subarray(5, 27),
    key.toString('hex'),
    key.toString('hex').toUpperCase(),
    key.toString('base64'),
    Buffer.concat([Buffer.from('x'), key]).toString('base64'),
    Buffer.concat([Buffer.from('xy'), key]).toString('base64url'),
    JSON.stringify(key.toJSON()),
  ];
  for (const form of forms)
    t.same(found(form, secrets), ['the symmetric key'], String(form.toString()).slice(0, 20));
  t.same(found('nothing of the kind', secrets), []);
});

/** A sink of the audit log in the state directory. */
const sink = (format: string) =>
  `[[audit.sinks]]\nname = "${format}"\ntype = "file"\npath = "audit.${format}"\nformat = "${format}"\n`;

async function generatedKey(client: Client): Promise<Secret> {
  const created = await client.request('1.4', [
    {
      operation: 'Create',
      payload: [
        enumerated('ObjectType', 2),
        template(
          12,
          structure(
            'Attribute',
            text('AttributeName', 'Cryptographic Algorithm'),
            enumerated('AttributeValue', 3),
          ),
          structure(
            'Attribute',
            text('AttributeName', 'Cryptographic Length'),
            integer('AttributeValue', 256),
          ),
        ),
      ],
    },
    { operation: 'Get' },
  ]);
  const item = created.type === 'Structure' ? created.value[2] : undefined;
  const value =
    item && valueOf(item, 'ResponsePayload', 'SymmetricKey', 'KeyBlock', 'KeyValue', 'KeyMaterial');
  if (!(value instanceof Uint8Array)) throw new Error('no key was made');
  return { name: 'the key that the server made', bytes: value.slice() };
}

/**
 * The same as XML and JSON, whole and broken, at once and as jobs, with a ticket; gives what the server has
 * made.
 */
async function overHttps(server: Daemon, t: Test): Promise<Secret[]> {
  const [, port = ''] = /HTTPS on 127\.0\.0\.1:(\d+)/.exec(server.output) ?? [];
  const identity = await readIdentity(join(server.home, 'clients', 'demo'));
  const client = new HttpsClient({ port: Number(port), ...identity });
  const login = await client.exchange(requestMessage('2.1', [{ operation: 'Login' }]), 'json');
  const ticket = valueOf(login, 'BatchItem', 'ResponsePayload', 'Ticket', 'TicketValue') as Uint8Array;
  t.ok(ticket instanceof Uint8Array, 'there is a ticket');
  const shown = credential(6, structure('Ticket', enumerated('TicketType', 1), bytes('TicketValue', ticket)));
  for (const form of ['xml', 'json'] as const) {
    const { mediaType, write } = forms[form];
    for (const registration of registrations) {
      for (const header of [[withPassword], [item('AsynchronousIndicator', 'Boolean', true), withDevice]]) {
        const message = requestMessage('1.4', [registration], header);
        const status = valueOf(await client.exchange(message, form), 'BatchItem', 'ResultStatus');
        t.match(status, /^[02]$/, 'done, or pending');
        const body = write(message);
        for (const broken of [body.subarray(0, -9), body.map((byte, at) => (at % 97 === 96 ? 0x7a : byte))])
          await client.send({ body: broken, headers: { 'Content-Type': mediaType } });
        await client.send({ body, headers: { 'Content-Type': 'text/plain' } });
      }
    }
    await client.exchange(requestMessage('2.1', [{ operation: 'Locate' }], [shown]), form);
  }
  await client.close();
  return [{ name: 'the ticket', bytes: ticket.slice() }];
}

t.test(
  'the log, the database, the state directory and the metrics contain no secret of a client',
  { timeout: 900_000 },
  async (t) => {
    const server = await Daemon.prepare({
      config: `[log]\nlevel = "trace"\n[audit]\nnames = true\n${sink('json')}${sink('cef')}`,
      args: ['--metrics', '127.0.0.1:0', '--https', '127.0.0.1:0'],
    });
    t.teardown(() => server.remove());
    await server.start();
    const client = await server.connect();
    const ids: string[] = [];
    for (const registration of registrations) {
      const answer = await client.request('1.4', [registration], [withPassword]);
      t.equal(
        valueOf(answer, 'BatchItem', 'ResultStatus'),
        0,
        String(valueOf(answer, 'BatchItem', 'ResultMessage') ?? 'registered'),
      );
      ids.push(String(valueOf(answer, 'BatchItem', 'ResponsePayload', 'UniqueIdentifier')));
    }
    for (const id of ids) {
      const answer = await client.request(
        '1.4',
        [{ operation: 'Get', payload: [text('UniqueIdentifier', id)] }],
        [withDevice],
      );
      t.not(found(encode(answer), secrets).length, 0, 'the client itself gets it back');
    }
    const made = await generatedKey(client);
    secrets.push(...(await overHttps(server, t)));
    await client.request('1.4', [{ operation: 'Locate' }], [withPassword]);
    await client.request(
      '2.1',
      [{ operation: 'Log', payload: [text('LogMessage', 'nothing secret')] }],
      [withDevice],
    );
    for (const message of misuses(ids[0] ?? '')) await client.send(message);
    const ended = new Promise((resolve) => client.socket.once('close', resolve));
    const last = await client.send(Uint8Array.from([...symmetric, ...symmetric]));
    t.same(found(last, secrets), [], 'a key where a message should begin is not repeated');
    await ended;
    const other = await server.connect();
    await other.request(
      '1.4',
      ids.map((id) => ({ operation: 'Destroy', payload: [text('UniqueIdentifier', id)] })),
    );
    await other.close();

    const [, metricsAt = ''] = /metrics on (127\.0\.0\.1:\d+)/.exec(server.output) ?? [];
    const everything = await written(server, await page(`http://${metricsAt}/metrics`));
    const names = [...everything.keys()];
    const database = ['kmipd.db', 'kmipd.db-wal', 'kmipd.db-shm'];
    const log = [...names.filter((name) => name.startsWith('audit/journal-')), 'audit.json', 'audit.cef'];
    t.ok(log.length > 2, 'there is a journal');
    for (const needed of ['output', 'metrics', ...database, 'root.key', ...log]) {
      t.ok(names.includes(needed), `${needed} is looked at`);
    }
    t.match(server.output, /Register/, 'the log tells of the requests');
    t.match(everything.get('metrics'), /kmipd_requests_total\{operation="Register"/, 'so do the metrics');
    const rootKey = {
      name: 'the root key',
      bytes: Buffer.from(readFileSync(join(server.home, 'root.key'), 'latin1').trim(), 'hex'),
    };
    for (const [name, content] of everything) {
      t.same(found(content, [...secrets, made]), [], name);
      if (name !== 'root.key') t.same(found(content, [rootKey]), [], `${name}: the root key`);
    }
    t.notMatch(server.output, /failed unexpectedly|internal error/);
    t.equal(await server.end(), 0);
    const show = await runKmipd('.', 'audit', 'show', '--home', server.home, '--json', '--limit', '0');
    t.equal(await show.exited(), 0);
    t.match(show.output, /"operation":"Register".*"result":"Success"/, 'the audit log tells of the requests');
    t.same(found(show.output, [...secrets, made]), [], 'the audit log');
    for (const [name, content] of await written(server, ''))
      t.same(found(content, [...secrets, made]), [], `${name}, after the end`);
  },
);
