import t from 'tap';
import { generateKey } from '../../../certs/keys.ts';
import { createPkcs12 } from '../../../certs/pkcs12.ts';
import type { Attribute } from '../../../codec/attribute.ts';
import type { KeyBlock } from '../../../codec/structures/key-block.ts';
import type { ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { ModifyAttribute } from '../../../src/operations/attributes/modify-attribute.ts';
import { Export } from '../../../src/operations/transfer/export.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { Register } from '../../../src/operations/transfer/register.ts';
import { ask, having, succeed } from '../operations/ask.ts';
import { active, mask, register } from '../operations/transfer/wrapping-keys.ts';
import { TestService } from '../service.ts';
import { sensitive } from './history.ts';

/** Passwords of PKCS#12 files: by which the server makes and opens files, and for whom. */

const locked: Attribute = { name: 'Extractable', value: false };
const derive = mask('DeriveKey');
const key = await generateKey('ec');
const pkcs8 = new Uint8Array(key.export({ type: 'pkcs8', format: 'der' }));
const fileUnder = (password: string) =>
  createPkcs12({ key, authorities: [], password, encryption: 'aes', iterations: 10 });

const linkTo = (LinkedObjectIdentifier: string): Attribute => ({
  name: 'Link',
  value: { LinkType: 'PKCS_12PasswordLink', LinkedObjectIdentifier },
});
const privateKey = (KeyFormatType: 'PKCS_8' | 'PKCS_12', KeyMaterial: Uint8Array): ManagedObjectValue => ({
  type: 'PrivateKey',
  value: { KeyBlock: { KeyFormatType, KeyValue: { KeyMaterial, Attributes: [] } } },
});
function passwordOf(service: TestService, text: string, ...attributes: Attribute[]): Promise<string> {
  const KeyMaterial = new TextEncoder().encode(text);
  const KeyBlock: KeyBlock = { KeyFormatType: 'Opaque', KeyValue: { KeyMaterial, Attributes: [] } };
  const value = { type: 'SecretData', value: { SecretDataType: 'Password', KeyBlock } } as const;
  return register(service, value, active, derive, ...attributes);
}
const registration = (file: Uint8Array, password: string) =>
  ({
    ObjectType: 'PrivateKey',
    Attributes: having(linkTo(password)),
    Object: privateKey('PKCS_12', file),
  }) as const;

async function open(denied: ReadonlySet<string>, options: Parameters<typeof TestService.open>[0] = {}) {
  const service = await TestService.open({ may: (permission) => !denied.has(permission), ...options });
  t.teardown(() => service.close());
  return service;
}

const files = {
  right: fileUnder('right'),
  wrong: fileUnder('wrong'),
  'cut short': fileUnder('right').slice(0, 100),
  'no ASN.1': new Uint8Array(64),
} as const;

/** Answers of every use of a password: the files that it opens, and a file that it makes. */
async function answersOf(service: TestService, password: string): Promise<Readonly<Record<string, string>>> {
  const answers: Record<string, string> = {};
  const note = async (name: string, answer: ReturnType<typeof ask>) => {
    const { status, reason, message } = await answer;
    answers[name] = status === 'Success' ? status : `${reason}: ${message}`;
  };
  for (const [name, file] of Object.entries(files))
    await note(`Register ${name}`, ask(service, '2.1', Register, registration(file, password)));
  for (const name of ['right', 'wrong'] as const) {
    const Attributes = [linkTo(password)];
    const Object = privateKey('PKCS_12', files[name]);
    const UniqueIdentifier = `${name} ${password}`;
    // Import stores a file without its password.
    await ask(service, '2.1', Import, { UniqueIdentifier, Attributes, Object });
    for (const operation of [Get, Export])
      await note(
        `${operation.name} ${name}`,
        ask(service, '2.1', operation, { UniqueIdentifier, KeyFormatType: 'PKCS_8' }),
      );
  }
  const UniqueIdentifier = await register(service, privateKey('PKCS_8', pkcs8), linkTo(password));
  for (const operation of [Get, Export])
    await note(
      `${operation.name} makes`,
      ask(service, '2.1', operation, { UniqueIdentifier, KeyFormatType: 'PKCS_12' }),
    );
  return answers;
}

t.test('a protected password makes and opens no PKCS#12 without the permission', async (t) => {
  const denied = new Set<string>();
  const services = { strict: await open(denied), kmip: await open(denied, { protection: 'kmip' }) };
  const refusal =
    /^PermissionDenied: (the role of tester does not include UseProtectedPassword|with Rights of)/;
  type Row = readonly [
    protection: keyof typeof services,
    attributes: readonly Attribute[],
    denied: readonly string[],
    rights: readonly object[] | undefined,
    isAllowed: boolean,
  ];
  const permission = 'UseProtectedPassword';
  const rows: readonly Row[] = [
    ['strict', [], [permission], undefined, true],
    ['strict', [sensitive], [permission], undefined, false],
    ['strict', [locked], [permission], undefined, false],
    ['strict', [sensitive, locked], [permission], undefined, false],
    ['strict', [sensitive, locked], [], undefined, true],
    ['strict', [sensitive], [], [{}], false],
    ['strict', [], [permission], [{}], true],
    ['kmip', [sensitive, locked], [permission], undefined, true],
  ];
  for (const [protection, attributes, withheld, rights, isAllowed] of rows) {
    const service = services[protection];
    const password = await passwordOf(service, 'right', ...attributes);
    for (const each of withheld) denied.add(each);
    service.sender = { ...(rights !== undefined && { rights }) };
    const answers = await answersOf(service, password);
    service.sender = {};
    denied.clear();
    const label = `${protection} ${attributes.map(({ name }) => name)} ${withheld} ${JSON.stringify(rights)}`;
    if (!isAllowed) {
      const different = new Set(Object.values(answers));
      t.equal(different.size, 1, `${label}: right, wrong and unreadable files have one answer`);
      t.match([...different][0], refusal, label);
      continue;
    }
    for (const name of ['Register right', 'Get right', 'Export right', 'Get makes', 'Export makes'])
      t.equal(answers[name], 'Success', `${label}: ${name}`);
    for (const name of ['Register wrong', 'Get wrong', 'Export wrong'])
      t.match(answers[name], /^BadPassword: /, `${label}: ${name}`);
    for (const name of ['Register cut short', 'Register no ASN.1'])
      t.equal(answers[name], 'Success', `${label}: ${name} is stored without the password`);
  }
});

t.test('an open password is used by clients that may fetch it', async (t) => {
  const denied = new Set<string>();
  const service = await open(denied);
  const password = await passwordOf(service, 'right');
  const right = [{ operations: ['Register'] }];
  for (const [withheld, rights, expected] of [
    [[], undefined, 'Success'],
    [['Get'], undefined, 'Success'],
    [['Get', 'Export'], undefined, 'Success'],
    [['Get', 'UseProtectedPassword'], undefined, 'Success'],
    [['Export', 'UseProtectedPassword'], undefined, 'Success'],
    [['Get', 'Export', 'UseProtectedPassword'], undefined, 'PermissionDenied'],
    [[], right, 'NotAuthorised'],
    [[], [{ operations: ['Register', 'Get'] }], 'Success'],
    [['Get', 'Export'], [{}], 'PermissionDenied'],
  ] as const) {
    for (const each of withheld) denied.add(each);
    service.sender = rights === undefined ? {} : { rights };
    for (const name of ['right', 'wrong'] as const) {
      const { status, reason } = await ask(service, '2.1', Register, registration(files[name], password));
      const wanted = expected === 'Success' && name === 'wrong' ? 'BadPassword' : expected;
      t.equal(reason ?? status, wanted, `${withheld} ${JSON.stringify(rights)} ${name}`);
    }
    service.sender = {};
    denied.clear();
  }
});

t.test('wrong passwords count for client and password, whatever the file', async (t) => {
  const service = await open(new Set(), { limits: { failedDecryptions: 3 } });
  const password = await passwordOf(service, 'right', sensitive);
  const other = await passwordOf(service, 'right', sensitive);
  const tryOut = async (name: 'right' | 'wrong', id = password) => {
    const { status, reason } = await ask(service, '2.1', Register, registration(files[name], id));
    return reason ?? status;
  };
  t.equal(await tryOut('right'), 'Success');
  for (let i = 0; i < 3; i++) t.equal(await tryOut('wrong'), 'BadPassword');
  t.equal(await tryOut('right'), 'BadPassword', 'the right one is answered as a wrong one');
  t.same(service.exhausted, [{ client: 'tester', object: password }]);
  t.equal(await tryOut('right', other), 'Success', 'another password');
  service.sender = { client: 'second' };
  t.equal(await tryOut('right'), 'Success', 'another client');
  service.sender = {};
  t.equal(await tryOut('right'), 'BadPassword');
  service.now += 60_001;
  t.equal(await tryOut('right'), 'Success', 'after a minute');
});

t.test('a changed password Link gives what the client could do with that password anyway', async (t) => {
  const denied = new Set(['UseProtectedPassword']);
  const service = await open(denied);
  const mine = await passwordOf(service, 'mine');
  const theirs = await passwordOf(service, 'right', sensitive);
  const relink = async (id: string, password: string) =>
    succeed(service, '2.1', ModifyAttribute, {
      UniqueIdentifier: id,
      CurrentAttribute: undefined,
      NewAttribute: linkTo(password),
    } as never);
  const id = await register(service, privateKey('PKCS_8', pkcs8), linkTo(mine));
  await relink(id, theirs);
  const makes = { UniqueIdentifier: id, KeyFormatType: 'PKCS_12' } as const;
  t.equal((await ask(service, '2.1', Get, makes)).reason, 'PermissionDenied', 'my key, their password');
  const stored = 'theirs';
  const Object = privateKey('PKCS_12', files.right);
  await succeed(service, '2.1', Import, {
    UniqueIdentifier: stored,
    Attributes: [linkTo(theirs), sensitive],
    Object,
  });
  await relink(stored, mine);
  for (const KeyFormatType of ['PKCS_8', 'PKCS_12', undefined] as const)
    t.equal(
      (await ask(service, '2.1', Get, { UniqueIdentifier: stored, KeyFormatType })).reason,
      'Sensitive',
      `their protected key, my password: ${KeyFormatType}`,
    );
});
