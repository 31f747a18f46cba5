import t from 'tap';
import type { Attribute } from '../../../codec/attribute.ts';
import { nodeCrypto } from '../../../src/crypto/node/node.ts';
import { actsOf } from '../../../src/operations/asynchronous/jobs.ts';
import { GetAttributes } from '../../../src/operations/attributes/get-attributes.ts';
import { Create } from '../../../src/operations/creation/create.ts';
import { CreateSplitKey } from '../../../src/operations/creation/create-split-key.ts';
import { JoinSplitKey } from '../../../src/operations/creation/join-split-key.ts';
import { Hash } from '../../../src/operations/cryptography/hash.ts';
import { Destroy } from '../../../src/operations/lifecycle/destroy.ts';
import { Locate } from '../../../src/operations/locate.ts';
import { callables } from '../../../src/operations/pkcs11/pkcs-11-functions.ts';
import { DelegatedLogin } from '../../../src/operations/sessions/delegated-login.ts';
import { Export } from '../../../src/operations/transfer/export.ts';
import { Get } from '../../../src/operations/transfer/get.ts';
import { Import } from '../../../src/operations/transfer/import.ts';
import { Register } from '../../../src/operations/transfer/register.ts';
import { enumerated, type RequestItem } from '../../client.ts';
import { readTree } from '../../tidy/source.ts';
import { authenticationHeader, sendAs, ticketOf } from '../credentials/credential-headers.ts';
import { openEndpoint } from '../endpoint.ts';
import { openGranted } from '../grants/granted.ts';
import { gatedOperation, poll, submit, waitForJobs } from '../jobs.ts';
import { createPair, registerKey } from '../keys.ts';
import { aes, having, named, outcome, succeed } from '../operations/ask.ts';
import { authority, certified, opened } from '../operations/certificates/authority.ts';
import {
  counted,
  encryptWith,
  register,
  secret,
  symmetric,
  wrappingKey,
} from '../operations/transfer/wrapping-keys.ts';
import { closedKey } from '../protection/history.ts';
import { outline, TestService } from '../service.ts';
import { Administrator, asked, headers, ruledRequests, underRule } from './approvals.ts';

/** Nothing under the rule is done on another way than by a job that was approved. */

t.setTimeout(120_000);

const gate = gatedOperation('RNGSeed');
const service = await TestService.open({ extra: [gate.operation] });
t.teardown(() => service.close());
const administrator = new Administrator(service);
t.beforeEach(() => {
  service.now = Date.now();
  service.sender = {};
});

const destroy = (UniqueIdentifier: string) => asked(Destroy, { UniqueIdentifier });
const get = (UniqueIdentifier: string) => asked(Get, { UniqueIdentifier });
/** Destroys what an earlier item of the batch has found or made. */
const destroyFound: RequestItem = asked(Destroy, { UniqueIdentifier: undefined });
const getMade: RequestItem = asked(Get, { UniqueIdentifier: undefined });
const create = asked(Create, { ObjectType: 'SymmetricKey', Attributes: having(...aes) });
const locate = (name: string) => asked(Locate, { Attributes: [named(name)] });
const option = (value: number) => enumerated('BatchErrorContinuationOption', value);

const state = async (id: string) => Number(await service.state(id));
const preActive = 1;

/** Approves the only request and has it run by a service that starts anew. */
async function approveAndRun(): Promise<void> {
  await administrator.approve();
  await service.restart();
  await waitForJobs(service);
}

t.test('a value leaves without an approval only where no client can open it, or it is public', async (t) => {
  for (const protection of ['strict', 'kmip'] as const) {
    const at = await TestService.open({ protection });
    t.teardown(() => at.close());
    at.now = Date.now();
    const [closed, known] = [await closedKey(at), await wrappingKey(at)];
    const id = await registerKey(at);
    const { id: privateId, publicId } = await createPair(at, 'EC');
    underRule(at, 'Get', 'Export');
    for (const operation of [Get, Export]) {
      const tried = (UniqueIdentifier: string, more = {}) =>
        outcome(at, '2.1', operation, { UniqueIdentifier, ...more });
      const what = `${protection} ${operation.name}`;
      t.equal(await tried(id), 'PermissionDenied', `${what}: in the clear`);
      t.equal(await tried(privateId), 'PermissionDenied', `${what}: a private key`);
      t.equal(await tried(id, encryptWith(known)), 'PermissionDenied', `${what}: under a key of clients`);
      t.equal(await tried(id, encryptWith(closed)), 'Success', `${what}: under a closed key`);
      t.equal(await tried(publicId), 'Success', `${what}: a public key`);
      const item = asked(operation, { UniqueIdentifier: id, ...encryptWith(known) });
      const { values } = await submit(at, '2.1', [item], headers.optional);
      await new Administrator(at).approve();
      await at.restart();
      await waitForJobs(at);
      t.equal(outline([await poll(at, '2.1', values[0])]), `${operation.name}:Success`, what);
    }
  }
});

t.test('what a batch finds is approved as it was found, and nothing that is found later', async (t) => {
  const first = await registerKey(service, named('found'));
  underRule(service, 'Destroy');
  const batch = [locate('found'), destroyFound];
  t.equal(outline(await service.batch('2.1', batch)), 'Locate:Success Destroy:PermissionDenied');
  const { answers, values } = await submit(service, '2.1', batch, headers.optional);
  t.equal(outline(answers), 'Locate:OperationPending Destroy:OperationPending');
  t.match(actsOf((await administrator.only()).job), [{ operation: 'Destroy', object: first }]);
  service.sender = {};
  await succeed(service, '2.1', Destroy, { UniqueIdentifier: first });
  const second = await registerKey(service, named('found'));
  underRule(service, 'Destroy');
  t.equal(outline([await poll(service, '2.1', values[1])]), 'Poll:OperationPending');
  await approveAndRun();
  const answer = await poll(service, '2.1', values[1]);
  t.equal(outline([answer]), 'Destroy:PermissionDenied');
  t.match(answer.message, /the approval of the request does not include it/);
  t.equal(await state(second), preActive);
});

t.test('what a message makes itself is nobody elses loss, but its value needs an approval', async (t) => {
  underRule(service, 'Destroy', 'Get');
  t.equal(outline(await service.batch('2.1', [create, destroyFound])), 'Create:Success Destroy:Success');
  t.equal(outline(await service.batch('2.1', [create, getMade])), 'Create:Success Get:PermissionDenied');
  const { values } = await submit(service, '2.1', [create, getMade], headers.optional);
  t.match(actsOf((await administrator.only()).job), [{ operation: 'Get', object: null }]);
  await approveAndRun();
  t.equal(outline([await poll(service, '2.1', values[1])]), 'Get:Success');
});

t.test('batch options run nothing under the rule', async (t) => {
  const [one, two] = [await registerKey(service), await registerKey(service)];
  underRule(service, 'Destroy');
  const items = [destroy(one), create, destroy(two)];
  const [continues, stops, undoes] = [option(1), option(2), option(3)];
  const send = async (header: Parameters<TestService['batch']>[2]) =>
    outline(await service.batch('2.1', items, header));
  t.equal(await send([continues]), 'Destroy:PermissionDenied Create:Success Destroy:PermissionDenied');
  t.equal(await send([stops]), 'Destroy:PermissionDenied');
  t.equal(await send([undoes]), 'Destroy:PermissionDenied');

  const missing = destroy('nothing');
  const [later] = headers.optional!;
  const failing = async (option_: typeof continues) =>
    outline((await submit(service, '2.1', [destroy(one), missing, destroy(two)], [later!, option_])).answers);
  t.equal(await failing(undoes), 'Destroy:OperationUndone Destroy:ObjectNotFound');
  t.strictSame(await administrator.list(), []);
  t.equal(await failing(stops), 'Destroy:OperationPending Destroy:ObjectNotFound');
  t.match((await administrator.only()).job, { items: [{ at: 0, acts: [{ object: one }] }] });
  await administrator.reject();
  t.equal(
    await failing(continues),
    'Destroy:OperationPending Destroy:ObjectNotFound Destroy:OperationPending',
  );
  t.strictSame(
    actsOf((await administrator.only()).job).map(({ object }) => object),
    [one, two],
  );
  await administrator.reject();
  t.equal(await state(one), preActive);
  t.equal(await state(two), preActive);
});

t.test('a job that was stored before the rule does nothing under it', async (t) => {
  const id = await registerKey(service);
  const busy = await submit(service, '2.1', [{ operation: 'RNGSeed' }]);
  const { values } = await submit(service, '2.1', [destroy(id)]);
  t.equal(outline([await poll(service, '2.1', busy.values[0])]), 'Poll:OperationPending');
  underRule(service, 'Destroy');
  t.equal(outline([await poll(service, '2.1', values[0])]), 'Poll:OperationPending');
  gate.open();
  await waitForJobs(service);
  t.equal(outline([await poll(service, '2.1', values[0])]), 'Destroy:PermissionDenied');
  t.equal(await state(id), preActive);
});

t.test('a ticket helps neither with Rights nor without', async (t) => {
  const id = await registerKey(service);
  for (const Right of [{}, { Objects: { UniqueIdentifier: [id] } }]) {
    service.sender = {};
    const { Ticket } = await succeed(service, '2.1', DelegatedLogin, { Rights: { Right: [Right] } } as never);
    const ticket = ticketOf(Ticket.TicketValue.slice());
    underRule(service, 'Destroy', 'Get');
    t.equal((await sendAs(service, '2.1', [get(id)], ticket)).reasons, 'PermissionDenied');
    const header = [...headers.optional!, authenticationHeader(ticket)];
    const { answers } = await submit(service, '2.1', [get(id)], header);
    t.equal(outline(answers), 'Get:OperationPending');
    t.match(actsOf((await administrator.only()).job), [{ operation: 'Get', object: id }]);
    await administrator.reject();
  }
});

t.test('a grant gives out no value under the rule of its grantee', async (t) => {
  const { service: granted, sendAs: send, grant } = await openGranted(t);
  granted.now = Date.now();
  send('owner');
  const id = await registerKey(granted);
  await grant(id, ['Get']);
  send('grantee');
  t.equal(outline(await granted.batch('2.1', [get(id)], [], 'grantees')), 'Get:Success');
  underRule(granted, 'Get');
  t.equal(outline(await granted.batch('2.1', [get(id)], [], 'grantees')), 'Get:PermissionDenied');
  t.equal(
    outline(await granted.batch('2.1', [get(id)], headers.optional, 'grantees')),
    'Get:PermissionDenied',
    'jobs have no grants',
  );
  t.strictSame(await new Administrator(granted).list(), []);
});

t.test('the server sends no value of its own that Get would not give out', async (t) => {
  const { service: own, client } = await openEndpoint(t, {
    settings: { put: true },
    authorise: (principal) => ({ ...principal, needsApproval: (operation) => operation === 'Get' }),
  });
  await client.seen('Query');
  await own.key();
  await client.seen('Notify');
  t.notOk(client.asked.some(({ operation }) => operation === 'Put'));
});

t.test('data in parts is none of the rule, and a message with some waits as a whole', async (t) => {
  const id = await registerKey(service);
  underRule(service, 'Destroy');
  const part = asked(Hash, {
    CryptographicParameters: { HashingAlgorithm: 'SHA_256' },
    ...{ Data: new Uint8Array(8), InitIndicator: true },
  });
  const { answers, values } = await submit(service, '2.1', [part, destroy(id)], headers.optional);
  t.equal(outline(answers), 'Hash:OperationPending Destroy:OperationPending');
  await approveAndRun();
  t.equal(outline([await poll(service, '2.1', values[0])]), 'Hash:Success');
  t.equal(outline([await poll(service, '2.1', values[1])]), 'Destroy:Success');
});

t.test('an object that takes the place of another one does not end its life', async (t) => {
  const UniqueIdentifier = await registerKey(service);
  underRule(service, 'Revoke');
  const replace = (...Attributes: readonly Attribute[]) =>
    outcome(service, '2.1', Import, {
      ...{ UniqueIdentifier, ObjectType: 'SymmetricKey', ReplaceExisting: true },
      ...{ Attributes, Object: symmetric(counted(16)) },
    });
  const began: Attribute = { name: 'ActivationDate', value: 1_000 };
  t.equal(await replace(began, { name: 'DeactivationDate', value: 2_000 }), 'PermissionDenied');
  t.equal(await state(UniqueIdentifier), preActive);
  t.equal(await replace(), 'Success');
});

t.test(
  'what tells of a value that can be guessed is hidden from who fetches it with an approval',
  async (t) => {
    const value = secret(counted(20));
    const id = await register(service, value);
    const shows = async (UniqueIdentifier: string) => {
      const { Attributes } = await succeed(service, '2.1', GetAttributes, { UniqueIdentifier });
      return Attributes.some(({ name }) => name === 'Digest');
    };
    t.ok(await shows(id));
    underRule(service, 'Get');
    t.notOk(await shows(id));
    const { DigestValue } = nodeCrypto.digestObject(value) ?? {};
    const condition: Attribute = { name: 'Digest', value: { DigestValue } as never };
    const found = await succeed(service, '2.1', Locate, { Attributes: [condition] });
    t.strictSame(found.UniqueIdentifier, []);
    underRule(service, 'Destroy');
    t.ok(await shows(id), 'another operation hides nothing');
  },
);

t.test('a copy of a certificate does not state the end of the stored one', async (t) => {
  const own = await opened(t);
  const root = await authority(own);
  const leaf = await certified(own, root, 'leaf');
  const CertificateValue = leaf.der;
  const copy = {
    ObjectType: 'Certificate' as const,
    Attributes: having({ name: 'DeactivationDate', value: Math.floor(own.now / 1_000) - 1 }),
    Object: { type: 'Certificate' as const, value: { CertificateType: 'X_509' as const, CertificateValue } },
  };
  underRule(own, 'Destroy', 'Get', 'Export', 'Archive');
  t.equal(await outcome(own, '2.1', Register, copy), 'Success');
  underRule(own, 'Revoke');
  t.equal(await outcome(own, '2.1', Register, copy), 'PermissionDenied');
  const { answers } = await submit(own, '2.1', [asked(Register, copy)], headers.optional);
  t.equal(outline(answers), 'Register:OperationPending');
});

t.test('what a message makes of stored keys does not leave by it', async (t) => {
  const own = await TestService.open();
  t.teardown(() => own.close());
  own.now = Date.now();
  const administrator = new Administrator(own);
  const UniqueIdentifier = await register(own, symmetric(counted(16)));
  const parts = {
    SplitKeyParts: 2,
    SplitKeyThreshold: 2,
    SplitKeyMethod: 'XOR',
    Attributes: having(),
  } as const;
  const split = { ...parts, ObjectType: 'SplitKey', UniqueIdentifier } as const;
  const { UniqueIdentifier: ids } = await succeed(own, '2.1', CreateSplitKey, split);
  underRule(own, 'Get');
  const placeholder = asked(Get, {});
  const join = { ObjectType: 'SymmetricKey', UniqueIdentifier: ids, Attributes: having() } as const;
  for (const item of [asked(JoinSplitKey, join as never), asked(CreateSplitKey, split)]) {
    const { answers } = await submit(own, '2.1', [item, placeholder], headers.optional);
    t.match(answers.at(-1), { reason: 'PermissionDenied', message: /its value comes from other objects/ });
  }
  t.strictSame(
    (await administrator.list()).flatMap(({ job }) => actsOf(job)),
    [],
  );
});

t.test('PKCS#11 has no functions about objects', async (t) => {
  t.strictSame(
    Object.keys(callables).filter((name) => /Object|Key|Wrap|Attribute|Encrypt|Decrypt|Sign/.test(name)),
    [],
  );
});

t.test('the places that end a value, or give it out, are those that ask for the approval', async (t) => {
  const found = (pattern: RegExp) =>
    readTree()
      .filter(({ path }) => path.startsWith('src/operations/') || path.startsWith('src/object/'))
      .flatMap(({ path, text }) => [...text.matchAll(pattern)].map(() => path.slice('src/'.length)));
  t.strictSame(found(/\.setValue\(/g), ['object/replace-existing.ts']);
  t.strictSame(found(/\.destroy\(/g), ['operations/lifecycle/destroy.ts']);
  t.strictSame(found(/ replaceContent\(/g), ['object/replace-existing.ts', 'operations/transfer/import.ts']);
  t.strictSame(found(/\.revoke\(/g), ['operations/lifecycle/revoke.ts', 'operations/lifecycle/revoke.ts']);
  t.strictSame(found(/ archive\(\w+\.attributes/g), ['operations/lifecycle/archive.ts']);
  t.strictSame(found(/ (?:destroy|revoke)\((?!this)\w+\.attributes/g), []);
  t.strictSame(
    new Set(found(/ prepareForExport\(/g)),
    new Set(['export', 'get', 'object-export'].map((name) => `operations/transfer/${name}.ts`)),
  );
  t.strictSame(Object.keys(ruledRequests).length, 7);
});
