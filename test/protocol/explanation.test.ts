import t from 'tap';
import type { Attribute } from '../../codec/attribute.ts';
import { describeRoles, RolePolicy } from '../../src/identity/policy.ts';
import { ModifyAttribute } from '../../src/operations/attributes/modify-attribute.ts';
import { Create } from '../../src/operations/creation/create.ts';
import { operations } from '../../src/operations/index.ts';
import { Archive } from '../../src/operations/lifecycle/archive.ts';
import { Destroy } from '../../src/operations/lifecycle/destroy.ts';
import type { AnyOperation } from '../../src/operations/operation.ts';
import { type ExplanationStep, explain } from '../../src/protocol/explanation.ts';
import { text } from '../client.ts';
import { enrolForExplanation } from './explained.ts';
import { withMask } from './keys.ts';
import { ask, having, succeed } from './operations/ask.ts';
import { TestService } from './service.ts';

/** `explain` says of each operation, role and object what the server then does. */

t.setTimeout(600_000);

const roles = { lab: ['vcenter', 'Destroy', 'Archive', 'Export'], fortigate: ['Get'] };
const policy = new RolePolicy(roles);
const service = await TestService.open();
t.teardown(() => service.close());
const asked = {
  clients: service.clients,
  store: service.store,
  vault: service.vault,
  roles: () => describeRoles(roles),
};
const now = () => new Date(service.now);

const enrol = (name: string, role: string, more: { disabled?: boolean; at?: Date } = {}) =>
  enrolForExplanation(service, role, { name, ...more });

const create = async (group: string) => {
  const length: Attribute = { name: 'CryptographicLength', value: 128 };
  const Attributes = having({ name: 'CryptographicAlgorithm', value: 'AES' }, length, withMask('Encrypt'));
  const { payload } = await ask(service, '2.1', Create, { ObjectType: 'SymmetricKey', Attributes }, group);
  return payload.UniqueIdentifier;
};

const verdict = (steps: readonly ExplanationStep[]) => steps.at(-1) as ExplanationStep;

/** The reasons of refusals that `explain` foresees. */
const foreseen = [
  ...['PermissionDenied', 'ObjectNotFound', 'InvalidObjectType', 'ObjectArchived', 'ObjectDestroyed'],
  'NotExtractable',
];

/** Objects by what is about them, and the reason by which the server refuses operations that they bar. */
const objects: Readonly<Record<string, () => Promise<string>>> = {
  own: () => create('g'),
  archived: async () => {
    const id = await create('g');
    await succeed(service, '2.1', Archive, { UniqueIdentifier: id });
    return id;
  },
  destroyed: async () => {
    const id = await create('g');
    await succeed(service, '2.1', Destroy, { UniqueIdentifier: id });
    return id;
  },
  "another group's": () => create('other'),
  missing: async () => 'no such object',
};

/** Interop is offered to conformance tests alone. */
const offered = [...operations.values()].filter(
  ({ name, direction }) => direction !== 'server-to-client' && name !== 'Interop',
);

t.test('the server does what explain says: operation x role x object', async (t) => {
  const seen = new Map<string, number>();
  for (const role of ['full', 'read-only', 'lab', 'fortigate', 'undefined']) {
    await enrol(role, role);
    for (const operation of offered)
      for (const [what, make] of Object.entries(objects)) {
        service.sender = {};
        const id = await make();
        const query = { client: role, operation: operation.name, object: id };
        const { subject, isAllowed } = verdict(await explain(query, asked, now()));
        service.sender = { may: (name) => policy.permits(role, name) };
        const reason = await reasonOf(operation, id);
        const name = `${role} ${operation.name} ${what}: ${reason ?? 'done'}`;
        t.equal(!isAllowed && subject === 'role', reason === 'PermissionDenied', name);
        // Their handlers choose among objects, or say themselves that the object is destroyed already.
        if (operation.target.kind !== 'object' || operation.name === 'Destroy') continue;
        if (isAllowed) t.notOk(foreseen.includes(reason ?? ''), name);
        else if (subject === 'object' && foreseen.includes(reason ?? ''))
          seen.set(`${what} ${reason}`, (seen.get(`${what} ${reason}`) ?? 0) + 1);
      }
  }
  for (const [what, reason] of [
    ['archived', 'ObjectArchived'],
    ['destroyed', 'ObjectDestroyed'],
    ["another group's", 'ObjectNotFound'],
    ['missing', 'ObjectNotFound'],
    ['own', 'InvalidObjectType'],
  ])
    t.ok((seen.get(`${what} ${reason}`) ?? 0) >= 4, `${what} ${reason}: ${seen.get(`${what} ${reason}`)}`);
});

/** Sends a request that names the object and nothing else, and returns why it is refused. */
async function reasonOf({ name, target }: AnyOperation, id: string): Promise<string | undefined> {
  const field = target.kind === 'object' ? target.identifiedBy : undefined;
  const operation = operations.get(name) as AnyOperation;
  return (await ask(service, '2.1', operation, [text(field ?? 'UniqueIdentifier', id)])).reason;
}

t.test('explain names the client, the entry of the role, and what bars the object', async (t) => {
  service.sender = {};
  await enrol('disabled', 'full', { disabled: true });
  await enrol('expired', 'full', { at: new Date('2001-01-01') });
  await enrol('tester', 'lab');
  await enrol('owner', 'full');
  const id = await create('g');
  const fixed = await create('g');
  await succeed(service, '2.1', ModifyAttribute, {
    UniqueIdentifier: fixed,
    NewAttribute: { name: 'Extractable', value: false },
  });
  const foreign = await create('other');
  for (const [client, operation, object, isAllowed, reason] of [
    ['nobody', 'Get', undefined, false, /^no client nobody is enrolled$/],
    ['disabled', 'Get', undefined, false, /^disabled is disabled$/],
    ['expired', 'Get', undefined, false, /^expired: certificate expired$/],
    ['tester', 'Ping', undefined, true, /^every role permits Ping$/],
    ['tester', 'Get', undefined, true, /^the role lab permits Get, by its entry vcenter \(roles.lab\[0\]\)$/],
    ['tester', 'Locate', undefined, false, /^the role lab does not permit Locate$/],
    ['tester', 'ImportAsIs', undefined, false, /^the role lab does not permit ImportAsIs$/],
    ['tester', 'Notify', undefined, false, /goes from the server to its clients/],
    ['owner', 'Interop', undefined, true, /^the role full permits Interop, built in$/],
    ['undefined', 'Get', undefined, false, /^the role undefined is not defined$/],
    ['tester', 'Get', id, true, /^SymmetricKey of group g, PreActive$/],
    ['tester', 'Get', fixed, false, /PreActive: it is not Extractable$/],
    ['tester', 'GetAttributes', fixed, true, /PreActive$/],
    ['tester', 'Get', foreign, false, /is of group other: it does not exist for g$/],
    ['tester', 'Get', 'nothing', false, /^there is no object nothing$/],
  ] as const) {
    const last = verdict(await explain({ client, operation, object }, asked, now()));
    t.match(last.reason, reason);
    t.equal(last.isAllowed, isAllowed, last.reason);
  }
  const interop = await explain({ client: 'owner', operation: 'Interop' }, asked, now());
  t.match(interop[1]?.reason, /while kmipd runs with --interop$/);
});
