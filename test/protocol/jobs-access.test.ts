import t from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import type { Node } from '../../codec/wire/node.ts';
import {
  type DoneJob,
  jobKinds,
  readJobRecord,
  writeJobRecord,
} from '../../src/operations/asynchronous/jobs.ts';
import { Poll } from '../../src/operations/asynchronous/poll.ts';
import { GetAttributes } from '../../src/operations/attributes/get-attributes.ts';
import { ModifyAttribute } from '../../src/operations/attributes/modify-attribute.ts';
import { SetAttribute } from '../../src/operations/attributes/set-attribute.ts';
import { Create } from '../../src/operations/creation/create.ts';
import { DeriveKey } from '../../src/operations/creation/derive-key.ts';
import { Encrypt } from '../../src/operations/cryptography/encrypt.ts';
import { Archive } from '../../src/operations/lifecycle/archive.ts';
import { Destroy } from '../../src/operations/lifecycle/destroy.ts';
import { Revoke } from '../../src/operations/lifecycle/revoke.ts';
import { Locate } from '../../src/operations/locate.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { DelegatedLogin } from '../../src/operations/sessions/delegated-login.ts';
import { Export } from '../../src/operations/transfer/export.ts';
import { Get } from '../../src/operations/transfer/get.ts';
import { Import } from '../../src/operations/transfer/import.ts';
import { UnitOfWork } from '../../src/protocol/unit-of-work/unit-of-work.ts';
import { enumerated, valueOf } from '../client.ts';
import { authenticationHeader, ticketOf } from './credentials/credential-headers.ts';
import { mandatory, submit, waitForJobs } from './jobs.ts';
import { active, registerKey, withMask } from './keys.ts';
import { aes, having, payloadOf, succeed } from './operations/ask.ts';
import { counted, symmetric } from './operations/transfer/wrapping-keys.ts';
import { TestService } from './service.ts';

/** Poll asks the Rights and the objects anew: an answer is not better than the request would be now. */

const service = await TestService.open();
t.teardown(() => service.close());
service.sender = { fingerprint: 'f1' };

const inGroup = (value: string): Attribute => ({ name: 'ObjectGroup', value });
const asked = (operation: AnyOperation, request: object) => ({
  operation: operation.name,
  payload: payloadOf('2.1', operation, request),
});

/** Requests about a key of the Object Group `in`. */
const requests: Readonly<Record<string, (id: string) => ReturnType<typeof asked>>> = {
  Get: (UniqueIdentifier) => asked(Get, { UniqueIdentifier }),
  Export: (UniqueIdentifier) => asked(Export, { UniqueIdentifier }),
  GetAttributes: (UniqueIdentifier) => asked(GetAttributes, { UniqueIdentifier }),
  Encrypt: (UniqueIdentifier) => asked(Encrypt, { UniqueIdentifier, Data: new Uint8Array(16) }),
  DeriveKey: (id) =>
    asked(DeriveKey, {
      ObjectType: 'SecretData',
      UniqueIdentifier: [id],
      DerivationMethod: 'HMAC',
      DerivationParameters: { DerivationData: [new Uint8Array(8)] },
      Attributes: having({ name: 'CryptographicLength', value: 128 }, inGroup('in')),
    }),
  Locate: () => asked(Locate, { Attributes: [inGroup('in')] }),
  Create: () => asked(Create, { ObjectType: 'SymmetricKey', Attributes: having(...aes, inGroup('in')) }),
};

const set = (UniqueIdentifier: string, NewAttribute: Attribute) =>
  succeed(service, '2.1', SetAttribute, { UniqueIdentifier, NewAttribute } as never);

const deactivate = (UniqueIdentifier: string) =>
  succeed(service, '2.1', Revoke, {
    UniqueIdentifier,
    RevocationReason: { RevocationReasonCode: 'CessationOfOperation' },
  } as never);

const replace = (UniqueIdentifier: string) =>
  succeed(service, '2.1', Import, {
    UniqueIdentifier,
    ReplaceExisting: true,
    Attributes: [withMask('Encrypt', 'DeriveKey'), inGroup('in')],
    Object: symmetric(counted(16)),
  } as never);

/** Changes of an object, and the operations whose answers they take back, with what Poll says then. */
const changes: Readonly<
  Record<
    string,
    readonly [change: (id: string) => Promise<unknown>, refused: Readonly<Record<string, string>>]
  >
> = {
  nothing: [async () => {}, {}],
  archived: [
    (UniqueIdentifier) => succeed(service, '2.1', Archive, { UniqueIdentifier }),
    {
      Get: 'ObjectArchived',
      Export: 'ObjectArchived',
      GetAttributes: 'ObjectArchived',
      Encrypt: 'ObjectArchived',
    },
  ],
  destroyed: [
    async (UniqueIdentifier) => {
      await deactivate(UniqueIdentifier);
      await succeed(service, '2.1', Destroy, { UniqueIdentifier });
    },
    { Get: 'ObjectDestroyed', Export: 'ObjectDestroyed', Encrypt: 'ObjectDestroyed' },
  ],
  replaced: [
    async (UniqueIdentifier) => {
      await deactivate(UniqueIdentifier);
      await replace(UniqueIdentifier);
    },
    { Get: 'WrongKeyLifecycleState', Export: 'WrongKeyLifecycleState' },
  ],
  compromised: [
    (UniqueIdentifier) =>
      succeed(service, '2.1', Revoke, {
        UniqueIdentifier,
        RevocationReason: { RevocationReasonCode: 'KeyCompromise' },
      } as never),
    { Get: 'WrongKeyLifecycleState', Export: 'WrongKeyLifecycleState' },
  ],
  Sensitive: [(id) => set(id, { name: 'Sensitive', value: true }), { Get: 'Sensitive', Export: 'Sensitive' }],
  'not Extractable': [
    (id) => set(id, { name: 'Extractable', value: false }),
    { Get: 'NotExtractable', Export: 'NotExtractable' },
  ],
};

async function delegate(...Right: object[]): Promise<readonly Node[]> {
  const { Ticket } = await succeed(service, '2.1', DelegatedLogin, { Rights: { Right } });
  return [authenticationHeader(ticketOf(Ticket.TicketValue.slice()))];
}

const key = () => registerKey(service, active, withMask('Encrypt', 'DeriveKey'), inGroup('in'));

/** Runs a request as a job and returns its correlation value and the object that it is about. */
async function finished(name: string, header: readonly Node[] = []) {
  const id = await key();
  const { values } = await submit(service, '2.1', [requests[name]?.(id) as never], [...mandatory, ...header]);
  await waitForJobs(service);
  return { id, value: values[0] as Uint8Array };
}

async function polled(AsynchronousCorrelationValue: Uint8Array, header: readonly Node[] = []) {
  const [answer] = await service.batch('2.1', [asked(Poll, { AsynchronousCorrelationValue })], [...header]);
  t.equal(answer?.status === 'Success', answer?.payload !== undefined, 'output only with success');
  return { ...answer, outcome: answer?.reason ?? answer?.status };
}

for (const name of Object.keys(requests))
  for (const [what, [change, refused]] of Object.entries(changes))
    t.test(`${name} of an object that is ${what} when it is polled`, async (t) => {
      const { id, value } = await finished(name);
      await change(id);
      t.equal((await polled(value)).outcome, refused[name] ?? 'Success');
    });

const regroup = (UniqueIdentifier: string, from: string, to: string) =>
  succeed(service, '2.1', ModifyAttribute, {
    UniqueIdentifier,
    CurrentAttribute: inGroup(from),
    NewAttribute: inGroup(to),
  } as never);

t.test('the Rights of a ticket are asked anew for every object of the answer', async (t) => {
  for (const name of Object.keys(requests)) {
    const header = await delegate({ ObjectGroups: { ObjectGroup: ['in'] } });
    const { id, value } = await finished(name, header);
    const made = (await polled(value, header)).payload;
    t.ok(made, name);
    // What Create answers with is the object that it has made.
    const moved = name === 'Create' && made !== undefined ? String(valueOf(made, 'UniqueIdentifier')) : id;
    await regroup(moved, 'in', 'out');
    t.equal((await polled(value, header)).outcome, 'NotAuthorised', `${name}: moved`);
    t.equal((await polled(value)).outcome, 'Success', `${name}: the client itself`);
    await regroup(moved, 'out', 'in');
    t.equal((await polled(value, header)).outcome, 'Success', `${name}: moved back`);
  }
});

t.test('the Right to Poll does not extend the Right to the operation', async (t) => {
  const header = await delegate(
    { Operations: { Operation: ['Get'] }, ObjectGroups: { ObjectGroup: ['in'] } },
    { Operations: { Operation: ['Poll'] } },
  );
  const { id, value } = await finished('Get', header);
  t.equal((await polled(value, header)).outcome, 'Success');
  await regroup(id, 'in', 'out');
  t.equal((await polled(value, header)).outcome, 'NotAuthorised');
});

t.test('what a job does with its objects itself does not take back its answers', async (t) => {
  const id = await registerKey(service, withMask('Encrypt'));
  const items = [asked(Get, { UniqueIdentifier: id }), asked(Destroy, { UniqueIdentifier: id })];
  const { values } = await submit(service, '2.1', items);
  await waitForJobs(service);
  for (const value of values) t.equal((await polled(value)).outcome, 'Success');
});

t.test('a job that was stored without its objects is answered, but not under limited Rights', async (t) => {
  for (const right of [undefined, {}, { ObjectGroups: { ObjectGroup: ['in'] } }]) {
    const header = right === undefined ? [] : await delegate(right);
    const { value } = await finished('Get', header);
    const unit = new UnitOfWork(service.store, service.vault, {
      uniqueNames: false,
      now: service.now / 1000,
    });
    const id = value.subarray(0, 16).toHex();
    const record = await unit.record(jobKinds.done, id);
    const job = readJobRecord<DoneJob>(record?.content as Uint8Array);
    const items = job.items.map(({ objects: _, ...item }) => item);
    unit.putRecord(jobKinds.done, id, 'g', writeJobRecord({ ...job, items }), job.expires);
    t.equal(await unit.commit(), 'committed');
    const isLimited = right !== undefined && 'ObjectGroups' in right;
    t.equal((await polled(value, header)).outcome, isLimited ? 'NotAuthorised' : 'Success');
  }
});

t.test('a Destroy that is refused leaves the answers as they are, beside one that succeeds', async (t) => {
  const [destroyed, activated] = [await service.key(), await key()];
  const items = [destroyed, activated].map((UniqueIdentifier) => asked(Get, { UniqueIdentifier }));
  const { values } = await submit(service, '2.1', items);
  await waitForJobs(service);
  const answers = await service.batch(
    '2.1',
    [destroyed, activated].map((UniqueIdentifier) => asked(Destroy, { UniqueIdentifier })),
    [enumerated('BatchErrorContinuationOption', 1)],
  );
  t.same(
    answers.map(({ status }) => status),
    ['Success', 'OperationFailed'],
  );
  const outcomes = await Promise.all(values.map(async (each) => (await polled(each)).outcome));
  t.same(outcomes, ['ObjectDestroyed', 'Success']);
});

/** Every operation that ends a value, and what Poll says of the answers that held it. */
const ends = [
  {
    name: 'Destroy',
    end: (UniqueIdentifier: string) => succeed(service, '2.1', Destroy, { UniqueIdentifier }),
    refused: 'ObjectDestroyed',
  },
  { name: 'Import with Replace Existing', end: replace, refused: 'WrongKeyLifecycleState' },
];

t.test('the end of a value overwrites the answers that hold it, and no others', async (t) => {
  const keptOf = async (value: Uint8Array) => {
    const at = { uniqueNames: false, now: service.now / 1000 };
    const unit = new UnitOfWork(service.store, service.vault, at);
    const record = await unit.record(jobKinds.answers, value.subarray(0, 16).toHex());
    return Buffer.from(record?.content as Uint8Array);
  };
  const cases = ends.flatMap((each) => [true, false].map((isPolled) => ({ ...each, isPolled })));
  for (const { name, end, refused, isPolled } of cases) {
    const what = `${name}, ${isPolled ? 'fetched once' : 'not fetched'}`;
    const ids = [await service.key(), await service.key()];
    const materials: Buffer[] = [];
    for (const UniqueIdentifier of ids) {
      const { Object: value } = await succeed(service, '2.1', Get, { UniqueIdentifier });
      const { value: key } = value as { value: { KeyBlock: { KeyValue: { KeyMaterial: Uint8Array } } } };
      materials.push(Buffer.from(key.KeyBlock.KeyValue.KeyMaterial));
    }
    const items = ids.flatMap((UniqueIdentifier) => [
      asked(Get, { UniqueIdentifier }),
      asked(Export, { UniqueIdentifier }),
    ]);
    const { values } = await submit(service, '2.1', items);
    await waitForJobs(service);
    const [value] = values as [Uint8Array];
    const holds = async () => {
      const content = await keptOf(value);
      return materials.map((material) => content.includes(material));
    };
    t.same(await holds(), [true, true], what);
    if (isPolled) for (const each of values) t.equal((await polled(each)).outcome, 'Success');
    await end(ids[0] as string);
    t.same(await holds(), [false, true], what);
    const outcomes = await Promise.all(values.map(async (each) => (await polled(each)).outcome));
    t.same(outcomes, [refused, refused, 'Success', 'Success'], what);
    await service.asOtherNode(async () => t.equal((await polled(value)).outcome, refused, what));
  }
});
