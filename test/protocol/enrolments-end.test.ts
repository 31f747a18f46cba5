import t from 'tap';
import type { Node } from '../../codec/wire/node.ts';
import { defaultLimits } from '../../src/common/limits.ts';
import { noCredentials } from '../../src/identity/credentials.ts';
import { accountOf, type Principal } from '../../src/identity/principal.ts';
import { Hash } from '../../src/operations/cryptography/hash.ts';
import { recordReplacement } from '../../src/operations/enrolment.ts';
import { PKCS_11 } from '../../src/operations/pkcs11/pkcs-11.ts';
import { Login } from '../../src/operations/sessions/login.ts';
import { Logout } from '../../src/operations/sessions/logout.ts';
import { CredentialDirectory } from '../../src/protocol/authentication/credential-directory.ts';
import { deleteNamedRecords, deleteOwnedRecords } from '../../src/protocol/client-records.ts';
import { EndpointDirectory } from '../../src/protocol/endpoints/endpoint-settings.ts';
import { UnitOfWork } from '../../src/protocol/unit-of-work/unit-of-work.ts';
import { valueOf } from '../client.ts';
import { readTree } from '../tidy/source.ts';
import { authenticationHeader, ticketOf } from './credentials/credential-headers.ts';
import { cancel, gatedOperation, listJobs, mandatory, poll, process, submit, waitForJobs } from './jobs.ts';
import { payloadOf, succeed } from './operations/ask.ts';
import { createAesPayload2x, TestService, uid } from './service.ts';

/**
 * What is kept for a client lasts as long as its enrolment, and as the ticket that it came with. Another
 * client that gets the name finds nothing of it.
 */

type Fate = 'kept' | 'gone';
/** Tells, after the event, what became of something. */
type Check = () => Promise<Fate>;

const fate = (isKept: boolean): Fate => (isKept ? 'kept' : 'gone');
const before: Partial<Principal> = { fingerprint: 'f1', enrolledAt: 1_000 };

/** A service whose jobs wait while `gate` is closed, and the ticket of the client. */
async function open() {
  const gate = gatedOperation('RNGSeed');
  const service = await TestService.open({ extra: [gate.operation] });
  service.sender = before;
  const { Ticket } = await succeed(service, '2.1', Login, { LeaseTime: 2 });
  const ticket = Ticket.TicketValue.slice();
  const header = authenticationHeader(ticketOf(ticket));
  const key = () => service.call('2.1', 'Create', createAesPayload2x()).then(({ id }) => id as string);
  return { service, gate, ticket, header, key };
}
type Opened = Awaited<ReturnType<typeof open>>;

const create = { operation: 'Create', payload: createAesPayload2x() } as const;
const item = (operation: 'Get' | 'Destroy', id: string) => ({ operation, payload: [uid(id)] });

/** What begins under the certificate, or under the ticket, and is finished at once. */
const finished: Readonly<Record<string, (opened: Opened, header: readonly Node[]) => Promise<Check>>> = {
  async 'the answer of a request'({ service, key }, header) {
    const [value] = (await submit(service, '2.1', [item('Get', await key())], [...mandatory, ...header]))
      .values;
    await waitForJobs(service);
    return async () => fate((await poll(service, '2.1', value)).payload !== undefined);
  },
  async 'the list of answers'({ service, key }, header) {
    const [value] = (await submit(service, '2.1', [item('Get', await key())], [...mandatory, ...header]))
      .values;
    await waitForJobs(service);
    const name = (value as Uint8Array).toHex();
    return async () => fate((await listJobs(service)).some((line) => line.endsWith(name)));
  },
  async 'data in parts'({ service }, header) {
    const part = (more: object) => ({
      operation: Hash.name,
      payload: payloadOf('2.1', Hash, { CryptographicParameters: { HashingAlgorithm: 'SHA_256' }, ...more }),
    });
    const Data = new Uint8Array(8);
    const [first] = await service.batch('2.1', [part({ Data, InitIndicator: true })], header);
    const CorrelationValue = valueOf(first?.payload as Node, 'CorrelationValue');
    return async () => {
      const last = part({ Data, CorrelationValue, FinalIndicator: true });
      return fate((await service.batch('2.1', [last], header))[0]?.status === 'Success');
    };
  },
  async 'an application of PKCS#11'({ service }, header) {
    const call = async (PKCS_11Function: string, more: object, with_: readonly Node[]) => {
      const payload = payloadOf('2.1', PKCS_11, { PKCS_11Function, ...more });
      return (await service.batch('2.1', [{ operation: 'PKCS_11', payload }], with_))[0]?.payload as Node;
    };
    const PKCS_11InputParameters = Uint8Array.of(1);
    const begun = await call('C_Initialize', { PKCS_11InputParameters }, header);
    const CorrelationValue = valueOf(begun, 'CorrelationValue');
    return async () => {
      const answer = await call(
        'C_Finalize',
        { PKCS_11InputParameters: Uint8Array.of(0), CorrelationValue },
        [],
      );
      return fate(valueOf(answer, 'PKCS_11ReturnCode') === 0);
    };
  },
};

/** What waits behind the gate when the event comes. */
const waiting: typeof finished = {
  async 'a pending Destroy'({ service, gate, key }, header) {
    const id = await key();
    await submit(service, '2.1', [item('Destroy', id)], [...mandatory, ...header]);
    return async () => {
      gate.open();
      await waitForJobs(service);
      return fate((await service.state(id)) !== 1);
    };
  },
  async 'Poll of a pending request'({ service }, header) {
    const [value] = (await submit(service, '2.1', [create], [...mandatory, ...header])).values;
    return async () => fate((await poll(service, '2.1', value)).status === 'OperationPending');
  },
  async 'Cancel of a pending request'({ service }, header) {
    const [value] = (await submit(service, '2.1', [create], [...mandatory, ...header])).values;
    return async () => fate((await cancel(service, '2.1', value)) === 'Canceled');
  },
  async 'Process of a pending request'({ service, gate }, header) {
    const [value] = (await submit(service, '2.1', [create], [...mandatory, ...header])).values;
    return async () => {
      gate.open();
      return fate((await process(service, value)) === 'Success');
    };
  },
};

/** What the operator stores under the name of a client, and counts of the client. */
const named: Readonly<Record<string, (opened: Opened) => Promise<Check>>> = {
  async 'settings of its endpoint'({ service }) {
    const directory = new EndpointDirectory(service.store, service.vault);
    await directory.set('tester', 'g', { put: true });
    return async () => fate((await directory.of('tester')) !== undefined);
  },
  async credentials({ service }) {
    const directory = () => new CredentialDirectory(service.store, service.vault);
    await enrol(service);
    await directory().set('tester', { ...noCredentials, devices: [{ fields: {} }] });
    return async () => fate((await directory().of('tester')).credentials.devices.length > 0);
  },
  async counts({ service }) {
    const account = () => accountOf({ client: 'tester', ...service.sender });
    const then = account();
    return async () => fate(account() === then);
  },
};

const enrol = (service: TestService) =>
  service.clients.add({
    ...{ name: 'tester', group: 'g', role: 'full', fingerprint: 'f1', disabled: false },
    ...{ enrolledAt: 1_000, certificate: 'PEM' },
  });

/** Removes the client and what is under its name, and enrols another one of that name. */
async function replaceClient(service: TestService): Promise<void> {
  await deleteNamedRecords(service.store, service.vault, 'tester');
  await service.clients.remove('tester');
  await enrol(service);
}

/** Kinds of the records that `client remove` deletes, besides those under the client's name. */
const ownedKinds = ['ticket', 'job', 'job-message', 'job-done', 'job-answers', 'pkcs11'];

/** What happens to a client, and what it leaves. */
const events: Readonly<
  Record<
    string,
    {
      readonly happen: (opened: Opened) => Promise<void>;
      readonly certificate: Fate;
      readonly ticket: Fate;
      readonly named: Fate;
    }
  >
> = {
  nothing: { async happen() {}, certificate: 'kept', ticket: 'kept', named: 'kept' },
  'remove and add': {
    async happen({ service }) {
      await replaceClient(service);
      await deleteOwnedRecords(service.store, service.vault, { name: 'other', group: 'g' });
      const count = async (kind: string) => (await service.store.records({ kind, limit: 100 })).length;
      for (const kind of ownedKinds) t.not(await count(kind), 0, `${kind} of this client stays`);
      await deleteOwnedRecords(service.store, service.vault, { name: 'tester', group: 'g' });
      for (const kind of ownedKinds) t.equal(await count(kind), 0, `${kind} is deleted`);
      service.sender = { fingerprint: 'f2', enrolledAt: 2_000 };
    },
    ...{ certificate: 'gone', ticket: 'gone', named: 'gone' },
  },
  'remove and add of the same certificate': {
    async happen({ service }) {
      await replaceClient(service);
      service.sender = { ...before, enrolledAt: 2_000 };
    },
    ...{ certificate: 'gone', ticket: 'gone', named: 'gone' },
  },
  'disable and enable': {
    async happen({ service }) {
      service.isEnrolled = false;
      await service.lookForJobs();
      service.isEnrolled = true;
    },
    ...{ certificate: 'kept', ticket: 'kept', named: 'kept' },
  },
  'Re-Provision, twice': {
    async happen({ service }) {
      for (const [replaced, replacement] of [
        ['f1', 'f2'],
        ['f2', 'f3'],
      ] as const) {
        const now = Math.floor(service.now / 1000);
        const unit = new UnitOfWork(service.store, service.vault, { uniqueNames: false, now });
        unit.actFor('g');
        const work = unit.layer();
        await recordReplacement(
          replaced,
          { client: 'tester', replacement },
          { work, now, limits: defaultLimits },
        );
        work.keep();
        await unit.commit();
      }
      service.sender = { ...before, fingerprint: 'f3' };
    },
    ...{ certificate: 'kept', ticket: 'kept', named: 'kept' },
  },
  Logout: {
    async happen({ service, ticket }) {
      const Ticket = { TicketType: 'Login', TicketValue: ticket };
      await succeed(service, '2.1', Logout, { Ticket });
    },
    ...{ certificate: 'kept', ticket: 'gone', named: 'kept' },
  },
  'the end of the ticket': {
    async happen({ service }) {
      service.now += 3_000;
    },
    ...{ certificate: 'kept', ticket: 'gone', named: 'kept' },
  },
};

for (const [event, { happen, ...fates }] of Object.entries(events)) {
  t.test(event, async (t) => {
    const opened = await open();
    const { service, gate, header } = opened;
    t.teardown(() => service.close());
    const checks: [what: string, check: Check, expected: Fate][] = [];
    for (const [kinds, begin] of [
      [finished, async () => {}],
      [waiting, () => submit(service, '2.1', [{ operation: 'RNGSeed' }])],
    ] as const) {
      await begin();
      for (const [what, of] of Object.entries(kinds)) {
        checks.push([`${what}, by the certificate`, await of(opened, []), fates.certificate]);
        checks.push([`${what}, by the ticket`, await of(opened, [header]), fates.ticket]);
      }
    }
    for (const [what, of] of Object.entries(named)) checks.push([what, await of(opened), fates.named]);
    await happen(opened);
    // Those that open the gate come last.
    const isLast = (what: string) => /Destroy|Process/.test(what);
    for (const [what, check, expected] of checks.toSorted(
      ([a], [b]) => Number(isLast(a)) - Number(isLast(b)),
    ))
      t.equal(await check(), expected, what);
    gate.open();
    await waitForJobs(service);
  });
}

/** Every place that stores a record, and what ends the record. */
const written: Readonly<Record<string, string>> = {
  'operations/asynchronous/cancel.ts jobKinds.done': 'enrolment and ticket',
  'operations/asynchronous/cancel.ts jobKinds.pending': 'enrolment and ticket',
  'operations/asynchronous/cancel.ts jobKinds.waiting': 'enrolment and ticket',
  'operations/asynchronous/poll.ts jobKinds.answers': 'enrolment and ticket',
  'operations/asynchronous/poll.ts jobKinds.done': 'enrolment and ticket',
  'operations/asynchronous/held-objects.ts jobKinds.answers': 'enrolment and ticket',
  'operations/key-copies.ts keyCopiesKind': 'of a value, whoever has it',
  'operations/transfer/wrapped-values.ts valueKeyKind': 'of a group',
  'operations/transfer/wrapped-values.ts wrappedValueKind': 'of a value, whoever has it',
  'operations/enrolment.ts replacementKind': 'by the fingerprint: compared with the enrolment',
  'operations/group-policy-record.ts groupPolicyKind': 'of a group',
  'operations/made-token-keys.ts tokenKeyKind': 'of a key: until it is gone from the token',
  'operations/name-rights.ts reservedNameKind': 'enrolment; of unique Names, a year later as well',
  'operations/pkcs11/pkcs-11-application.ts applicationKind': 'enrolment and ticket',
  'operations/restorable-objects.ts restorableKind': 'of an object: when its waiting period ends',
  'operations/sessions/tickets.ts ticketKind': 'enrolment',
  'protocol/authentication/administrator-directory.ts administratorKind':
    'of an administrator, who is no client',
  'protocol/authentication/administrator-directory.ts administratorListKind': 'of all administrators',
  'protocol/authentication/approval-directory.ts approvalKind': 'of an administrator: it expires',
  'protocol/authentication/ticket-login.ts ticketKind': 'enrolment',
  'protocol/authentication/ticket-use.ts ticketKind': 'enrolment',
  'protocol/batch/random-iv-uses.ts kind': 'of a key',
  'protocol/batch/released-token-keys.ts tokenKeyKind': 'of a key: until it is gone from the token',
  'protocol/endpoints/endpoint-settings.ts endpointKind': 'remove and add delete it',
  'protocol/grant-directory.ts grantKind':
    'enrolment of the grantee; of a group, and with the value of the object',
  'protocol/grant-directory.ts granteeKind': 'with the grant',
  'protocol/jobs/asynchronous.ts jobKinds.message': 'enrolment and ticket',
  'protocol/jobs/asynchronous.ts jobKinds.pending': 'enrolment and ticket',
  'protocol/jobs/asynchronous.ts jobKinds.waiting': 'enrolment and ticket',
  'protocol/jobs/job-answers.ts jobKinds.answers': 'enrolment and ticket',
  'protocol/jobs/job-answers.ts holdersKind': 'of an object; its answers have the enrolment and ticket',
  'protocol/jobs/job-answers.ts jobKinds.done': 'enrolment and ticket',
  'protocol/jobs/job-runner.ts jobKinds.pending': 'enrolment and ticket',
  'protocol/jobs/waiting-jobs.ts jobKinds.done': 'enrolment and ticket',
  'protocol/jobs/waiting-jobs.ts jobKinds.message': 'enrolment and ticket',
  'protocol/jobs/waiting-jobs.ts jobKinds.pending': 'enrolment and ticket',
  'protocol/jobs/waiting-jobs.ts waitingCountKind': 'of all clients: it has no content',
  'protocol/quota-directory.ts quotaKind': 'of a group',
  'protocol/recipient-directory.ts recipientKind': 'of a key',
  'protocol/revocation-lists.ts kind': 'of an issuer: no client has it',
};
/** Files that pass on what others store; and those whose records are of issuers, which no client has. */
const others =
  /unit-of-work\/|first-design\/|restricted-work\.ts$|operations\/(work\.ts|(authority|revocation)-records\.ts|authority-certificates\.ts|certificates\/)/;

t.test('every record that is stored has a known end', async (t) => {
  const found = readTree()
    .filter(({ path }) => path.startsWith('src/') && !others.test(path))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/(?:records\.put|putRecord|putLasting)\(\s*([\w.]+)/g)].map(
        ([, kind]) => `${path.slice('src/'.length)} ${kind}`,
      ),
    );
  t.same([...new Set(found)].toSorted(), Object.keys(written).toSorted());
});
