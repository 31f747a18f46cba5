import t from 'tap';
import { Operation } from '../../../codec/enums.ts';
import { describeRoles } from '../../../src/identity/policy.ts';
import { grantableOperations, isGrantable } from '../../../src/operations/grants.ts';
import { operations } from '../../../src/operations/index.ts';
import type { AnyOperation } from '../../../src/operations/operation.ts';
import { type ExplanationStep, explain } from '../../../src/protocol/explanation.ts';
import { ask } from '../operations/ask.ts';
import { type Asked, requests } from '../requests.ts';
import { type ClientName, clientNames, openGranted } from './granted.ts';

/**
 * Every operation of every client under every state of the grants of the object that it names: the table
 * below says which cells reach the object, the server answers so, and `explain` foresees it. An operation
 * without a decision or without a request fails.
 */

t.setTimeout(600_000);

const fixture = await openGranted(t, { limits: { jobsPerClient: 10_000 } });
const { service, grants, grant, sendAs } = fixture;
const asked = {
  ...{ clients: service.clients, store: service.store, vault: service.vault },
  roles: () => describeRoles({}),
  latestTime: async () => service.latestTime,
};

const toGrantee = { to: { client: 'grantee' } } as const;
const toGroup = { to: { group: 'grantees' } } as const;

/** What the operator has done before the request, and whether a grantable operation reaches the object. */
const states: Readonly<
  Record<string, { readonly reaches: boolean; set(ids: readonly string[], name: string): Promise<unknown> }>
> = {
  none: { reaches: false, set: async () => {} },
  'this object': { reaches: true, set: (ids, name) => each(ids, (id) => grant(id, [name], toGrantee)) },
  'to the group': { reaches: true, set: (ids, name) => each(ids, (id) => grant(id, [name], toGroup)) },
  'until later': {
    reaches: true,
    set: (ids, name) => each(ids, (id) => grant(id, [name], { until: fixture.now + 1 })),
  },
  'another object': {
    reaches: false,
    set: async (_, name) => grant(await otherObject(), [name], toGrantee),
  },
  'all other operations': {
    reaches: false,
    set: (ids, name) =>
      each(ids, (id) =>
        grant(
          id,
          Operation.members.filter((other) => other !== name),
        ),
      ),
  },
  expired: {
    reaches: false,
    set: (ids, name) => each(ids, (id) => grant(id, [name], { until: fixture.now })),
  },
  removed: {
    reaches: false,
    set: (ids, name) =>
      each(ids, async (id) => {
        await grant(id, [name], toGrantee);
        await grants.remove(id, toGrantee.to);
      }),
  },
};

const each = async (ids: readonly string[], act: (id: string) => Promise<unknown>) => {
  // An operation about no object has none.
  for (const id of ids) await act(id === 'none' ? await otherObject() : id);
};

let other: Promise<string> | undefined;
function otherObject(): Promise<string> {
  sendAs('owner');
  other ??= service.key();
  return other;
}

const offered = [...operations.values()].filter(
  ({ name, direction }) => direction === undefined && name !== 'Interop',
);

/** Whether the client reaches the object that the request names. */
function isReached(client: ClientName, name: string, state: string): boolean {
  if (client === 'owner') return true;
  return client === 'grantee' && isGrantable(name) && states[state]?.reaches === true;
}

t.test('each operation of the specification has a decision and a request', async (t) => {
  t.same(Object.keys(grantableOperations).sort(), [...Operation.members].sort());
  for (const { name } of offered) t.ok(requests[name], name);
  t.same(Object.keys(grantableOperations).filter(isGrantable).sort(), [
    ...['Check', 'Decrypt', 'Encrypt', 'Get', 'GetAttributeList', 'GetAttributes'],
    ...['MAC', 'MACVerify', 'Sign', 'SignatureVerify'],
  ]);
});

interface Outcome {
  readonly reason: string;
  readonly message: string | undefined;
}

async function send(client: ClientName, operation: AnyOperation, ids: readonly string[]): Promise<Outcome> {
  sendAs(client);
  const request = (requests[operation.name] as Asked).request(ids);
  const { reason, status, message } = await ask(service, '2.1', operation, request as never);
  return { reason: reason ?? status, message: ids.reduce((text, id) => text?.replaceAll(id, 'ID'), message) };
}

async function prepare(name: string): Promise<readonly string[]> {
  sendAs('owner');
  return (requests[name] as Asked).prepare(service);
}

for (const operation of offered)
  t.test(`${operation.name} reaches what the grants of the client permit`, async (t) => {
    const { name } = operation;
    const { kind } = requests[name] as Asked;
    const isAbout = !['open', 'makes', 'finds'].includes(kind);
    const succeeding = await send('owner', operation, await prepare(name));
    let ids: readonly string[] | undefined;
    for (const client of clientNames) {
      const missing = await send(
        client,
        operation,
        (await prepare(name)).map(() => crypto.randomUUID()),
      );
      for (const [state, { set }] of Object.entries(states)) {
        ids ??= await prepare(name);
        await set(ids, name);
        const [object] = ids;
        const query = { client, operation: name, object: isAbout ? object : undefined };
        const steps = await explain(query, asked, new Date(service.now));
        const outcome = await send(client, operation, ids);
        const cell = `${client}, ${state}: ${outcome.reason}: ${outcome.message}`;
        const isExpected = isReached(client, name, state);
        if (!isAbout) t.equal(outcome.reason, missing.reason, cell);
        else t.same(outcome, isExpected ? succeeding : missing, cell);
        if (isAbout) compare(t, steps, isExpected, cell);
        // What the owner has done may have changed the object.
        if (client === 'owner' && !isGrantable(name)) ids = undefined;
        else if (object !== undefined)
          for (const { to } of await grants.list(object)) await grants.remove(object, to);
        if (client === 'grantee' && isExpected && isAbout)
          t.match(steps.at(-2), { subject: 'grant', isAllowed: true, reason: `grant ${object} to ` }, cell);
      }
    }
  });

function compare(
  t: { equal(a: unknown, b: unknown, message: string): unknown },
  steps: readonly ExplanationStep[],
  isAllowed: boolean,
  cell: string,
): void {
  const last = steps.at(-1);
  t.equal(last?.isAllowed, isAllowed, `explain: ${cell}: ${last?.reason}`);
}
