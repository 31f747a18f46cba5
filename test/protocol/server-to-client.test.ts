import t, { type Test } from 'tap';
import { attributeKey } from '../../codec/attribute.ts';
import { plan } from '../../codec/plan.ts';
import type { Infer } from '../../codec/schema.ts';
import { eraOf, isWithin, versions } from '../../codec/version.ts';
import { BinaryReader } from '../../codec/wire/binary-reader.ts';
import type { Principal } from '../../src/identity/principal.ts';
import { Notify } from '../../src/operations/server/notify.ts';
import { Put } from '../../src/operations/server/put.ts';
import type { Asked } from '../answering.ts';
import { encode, enumerated, structure, text } from '../client.ts';
import { checkVocabulary } from '../conformance/vocabulary.ts';
import { type EndpointOptions, openEndpoint } from './endpoint.ts';
import { attribute1x, createAesPayload1x, uid } from './service.ts';

/** The server asking a client over a line in memory: what is told, to whom, in which words. */

function notified({ version, payload }: Asked): Infer<typeof Notify.request> {
  return plan(Notify.request, version).read(new BinaryReader(encode(payload)));
}

function pushed({ version, payload }: Asked): Infer<typeof Put.request> {
  return plan(Put.request, version).read(new BinaryReader(encode(payload)));
}

/** No word of a later version in anything that was asked. */
function inWords(t: Test, asked: readonly Asked[]): void {
  for (const { message, version, operation } of asked) {
    checkVocabulary(message, version, '', [], (path, expected, actual) => {
      // What is gone stands in a 1.x Notify without its value, and nowhere else.
      if (operation === 'Notify' && actual === 'AttributeName') return;
      t.fail(`${operation} ${version}: ${path} holds ${actual}, expected ${expected}`);
    });
  }
}

const keysOf = (list: Infer<typeof Notify.request>['Changes']['deleted' | 'changed']) =>
  list.map(attributeKey).sort();

t.test('the server queries the client before it sends anything else', async (t) => {
  const { client, events } = await openEndpoint(t);
  const query = await client.seen('Query');
  t.same(
    client.asked.map(({ operation }) => operation),
    ['DiscoverVersions', 'Query'],
  );
  t.equal(query.version, '2.1');
  await new Promise(setImmediate);
  t.match(
    events.find(({ kind }) => kind === 'ready'),
    { version: '2.1', vendor: 'A client' },
  );
});

t.test('client and server agree upon the newest version of both', async (t) => {
  for (const [theirs, agreed] of [
    [['1.2', '1.4'], '1.4'],
    [['1.0'], '1.0'],
    [[], '2.1'],
  ] as const) {
    const { client } = await openEndpoint(t, { versions: theirs });
    t.equal((await client.seen('Query')).version, agreed, `of ${theirs.join(' ')}`);
  }
});

for (const version of versions) {
  t.test(`a client is notified of changes in ${version}`, async (t) => {
    const { service, client } = await openEndpoint(t, { version });
    const is2x = eraOf(version) === '2.x';
    await client.seen('Query');
    t.equal(client.asked[0]?.operation, isWithin(version, '1.1') ? 'DiscoverVersions' : 'Query');
    const id = await service.key([
      attribute1x('x-Purpose', text('AttributeValue', 'demo')),
      attribute1x('Contact Information', text('AttributeValue', 'me')),
    ]);
    const created = notified(await client.seen('Notify'));
    t.equal(created.UniqueIdentifier, id);
    t.ok(keysOf(created.Changes.changed).includes('State'), 'a new object is told with its attributes');

    await service.call('1.4', 'Activate', [uid(id)]);
    const activated = notified(await client.seen('Notify', 2));
    t.same(keysOf(activated.Changes.changed), ['ActivationDate', 'LastChangeDate', 'State']);
    t.equal(activated.Changes.changed.find(({ name }) => name === 'State')?.value, 'Active');

    await service.call('1.4', 'DeleteAttribute', [uid(id), text('AttributeName', 'x-Purpose')]);
    const deleted = notified(await client.seen('Notify', 3));
    t.same(keysOf(deleted.Changes.deleted), ['x-Purpose'], is2x ? 'by reference' : 'without a value');

    await service.call('1.4', 'Get', [uid(id)]);
    await service.call('1.4', 'Revoke', [
      uid(id),
      structure('RevocationReason', enumerated('RevocationReasonCode', 2)),
    ]);
    const revoked = notified(await client.seen('Notify', 4));
    t.equal(
      revoked.Changes.changed.find(({ name }) => name === 'State')?.value,
      'Compromised',
      'Get went untold',
    );
    await service.call('1.4', 'Destroy', [uid(id)]);
    const destroyed = notified(await client.seen('Notify', 5));
    t.ok(keysOf(destroyed.Changes.changed).includes('DestroyDate'));
    inWords(t, client.asked);
  });

  t.test(`a client gets new values by Put in ${version}`, async (t) => {
    const { service, client } = await openEndpoint(t, { version, settings: { put: true } });
    await client.seen('Query');
    const id = await service.key();
    const put = pushed(await client.seen('Put'));
    t.match(put, { UniqueIdentifier: id, PutFunction: 'New', Object: { type: 'SymmetricKey' } });
    t.notOk('ReplacedUniqueIdentifier' in put);
    await service.call('1.4', 'Get', [uid(id)]);
    const { id: newId } = await service.call('1.4', 'ReKey', [uid(id)]);
    t.match(pushed(await client.seen('Put', 2)), {
      UniqueIdentifier: newId,
      PutFunction: 'Replace',
      ReplacedUniqueIdentifier: id,
    });
    t.equal(client.asked.filter(({ operation }) => operation === 'Put').length, 2, 'Get is no new value');
    t.equal(notified(await client.seen('Notify')).UniqueIdentifier, id, 'the replaced one is told of');
    inWords(t, client.asked);
  });
}

t.test('a client is sent no value that it may not Get, and no change that it may not read', async (t) => {
  const sensitive = attribute1x('Sensitive', {
    ...text('AttributeValue', ''),
    type: 'Boolean',
    value: true,
  } as never);
  {
    const { service, client } = await openEndpoint(t, { settings: { put: true } });
    const id = await service.key([sensitive]);
    t.equal(notified(await client.seen('Notify')).UniqueIdentifier, id, 'a sensitive key is told of only');
    t.notOk(client.asked.some(({ operation }) => operation === 'Put'));
  }
  {
    const may = (operation: string) => operation !== 'Get';
    const { service, client } = await openEndpoint(t, { settings: { put: true }, may });
    await service.key();
    await client.seen('Notify');
    t.notOk(
      client.asked.some(({ operation }) => operation === 'Put'),
      'the role has no Get',
    );
  }
  for (const [why, setting] of [
    ['the role has no Get Attributes', { may: (operation: string) => operation !== 'GetAttributes' }],
    ['another group', { group: 'other' }],
  ] as const) {
    const { service, client } = await openEndpoint(t, setting);
    await client.seen('Query');
    await service.key();
    await new Promise((resolve) => setTimeout(resolve, 50));
    t.equal(client.asked.length, 2, why);
  }
  const { service, client } = await openEndpoint(t);
  await service.key();
  await client.seen('Notify');
  t.notOk(
    client.asked.some(({ operation }) => operation === 'Put'),
    'keys are not put unless the operator says so',
  );
});

t.test('the client is authorised anew before each request', async (t) => {
  const without = (denied: string) => (principal: Principal) => ({
    ...principal,
    may: (operation: string) => operation !== denied,
  });
  for (const [what, authorise, sent, cut] of [
    ['all is left', (principal) => principal, 'Put', undefined],
    ['Get is not', without('Get'), 'Notify', undefined],
    ['nothing is', () => undefined, undefined, 'the client is not authorised any more'],
    [
      'another group',
      (each) => ({ ...each, group: 'h' }),
      undefined,
      'the client is not authorised any more',
    ],
  ] as const satisfies readonly [string, EndpointOptions['authorise'], ...unknown[]][]) {
    let isAsked = false;
    const { service, client, ended, cutReasons } = await openEndpoint(t, {
      settings: { put: true },
      authorise(principal) {
        isAsked = true;
        return authorise(principal);
      },
    });
    await client.seen('Query');
    await service.key();
    if (sent === undefined) await ended;
    else await client.seen(sent);
    t.ok(isAsked);
    t.equal(
      client.asked.map(({ operation }) => operation).find((each) => /Put|Notify/.test(each)),
      sent,
      what,
    );
    t.same(cutReasons, cut === undefined ? [] : [cut], what);
  }
});

t.test('a client is not notified of changes that were not committed', async (t) => {
  const { service, client } = await openEndpoint(t);
  await client.seen('Query');
  await service.batch(
    '1.4',
    [
      { operation: 'Create', payload: createAesPayload1x() },
      { operation: 'Get', payload: [uid('nothing')] },
    ],
    [enumerated('BatchErrorContinuationOption', 3)],
  );
  const id = await service.key();
  t.equal(notified(await client.seen('Notify')).UniqueIdentifier, id);
});

t.test('the server sends the operations that the client accepts', async (t) => {
  await t.test('a client gets only the operations that it names', async (t) => {
    const { service, client } = await openEndpoint(t, { operations: ['Notify'], settings: { put: true } });
    await service.key();
    await client.seen('Notify');
    t.notOk(client.asked.some(({ operation }) => operation === 'Put'));
  });
  await t.test('a client that names operations of servers is notified nevertheless', async (t) => {
    const { service, client } = await openEndpoint(t, {
      operations: ['Create', 'Get'],
      settings: { put: true },
    });
    await service.key();
    await client.seen('Put');
  });
  await t.test('a client that refuses Query is notified', async (t) => {
    const react = ({ operation }: Asked) =>
      operation === 'Query' ? { refuse: 'OperationNotSupported' } : ('usual' as const);
    const { service, client } = await openEndpoint(t, { react });
    await service.key();
    await client.seen('Notify');
  });
  await t.test('a client that answers Query with another payload is notified', async (t) => {
    const { service, client, cutReasons } = await openEndpoint(t, {
      react: () => [text('LogMessage', 'hello')],
    });
    await service.key();
    await service.key();
    await client.seen('Notify', 2);
    t.same(cutReasons, []);
  });
  await t.test('a client that refuses every notification gets its role back', async (t) => {
    const react = ({ operation }: Asked) =>
      operation === 'Notify' ? { refuse: 'OperationNotSupported' } : ('usual' as const);
    const { service, client, ended } = await openEndpoint(t, { react, operations: [] });
    await service.key();
    await client.seen('SetEndpointRole');
    await ended;
  });
  await t.test('a client that refuses notifications and its role is disconnected', async (t) => {
    const { ended, cutReasons } = await openEndpoint(t, { operations: ['Put'] });
    await ended;
    t.same(cutReasons, ['the client accepts none of the requests of the server']);
  });
  await t.test('a client that accepts no notification gets its role back at once', async (t) => {
    const { client, ended } = await openEndpoint(t, { operations: ['SetEndpointRole'] });
    await ended;
    t.same(
      client.asked.map(({ operation }) => operation),
      ['DiscoverVersions', 'Query', 'SetEndpointRole'],
    );
  });
});

t.test('the oldest changes are dropped when too many wait', async (t) => {
  const gate = Promise.withResolvers<void>();
  const { service, client, events } = await openEndpoint(t, {
    limits: { announcements: 2 },
    gate: gate.promise,
  });
  await client.seen('Query');
  const ids: string[] = [];
  for (let count = 0; count < 6; count++) ids.push(await service.key());
  await new Promise(setImmediate);
  gate.resolve();
  const told = [
    await client.seen('Notify', 1),
    await client.seen('Notify', 2),
    await client.seen('Notify', 3),
  ];
  t.same(
    told.map((asked) => notified(asked).UniqueIdentifier),
    [ids[0], ids[4], ids[5]],
  );
  t.match(
    events.find(({ kind }) => kind === 'forgotten'),
    { changes: 3 },
  );
});

t.test('an answer that cannot be read ends the connection', async (t) => {
  const cases: readonly (readonly [string, EndpointOptions])[] = [
    ['not TTLV', { mangle: () => Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }],
    ['cut short', { mangle: (answer) => answer.subarray(0, answer.length - 8) }],
    ['another operation', { mangle: (answer) => swapOperation(answer) }],
  ];
  for (const [what, setting] of cases) {
    const { ended, cutReasons } = await openEndpoint(t, setting);
    await ended;
    t.match(cutReasons[0], /its answer to \w+ cannot be read/, what);
  }
  const { ended, hangUp, client } = await openEndpoint(t, { react: () => undefined });
  await client.seen('DiscoverVersions');
  hangUp();
  await ended;
});

/** The same answer, said to be about Create. */
function swapOperation(answer: Uint8Array): Uint8Array {
  const at = answer.toHex().indexOf('42005c0500000004') / 2;
  const copy = answer.slice();
  copy.set([0, 0, 0, 1], at + 8);
  return copy;
}
