import t from 'tap';
import { Notify } from '../../../../src/operations/server/notify.ts';
import { Put } from '../../../../src/operations/server/put.ts';
import { SetEndpointRole } from '../../../../src/operations/server/set-endpoint-role.ts';
import { enumerated } from '../../../client.ts';
import { createAesPayload2x, outline, TestService, uid } from '../../service.ts';
import { ask, outcome, versionsOf } from '../ask.ts';

const server = enumerated('EndpointRole', 2);

async function open() {
  const service = await TestService.open();
  t.teardown(() => service.close());
  const reversed: string[] = [];
  service.channel = { client: 'tester', reverse: (version) => reversed.push(version) };
  return { service, reversed };
}

t.test('Set Endpoint Role exchanges the roles after the message is committed', async (t) => {
  for (const version of versionsOf(SetEndpointRole)) {
    const { service, reversed } = await open();
    const { status, payload } = await ask(service, version, SetEndpointRole, { EndpointRole: 'Server' });
    t.equal(status, 'Success');
    t.same(payload, { EndpointRole: 'Server' });
    t.same(reversed, [version]);
  }
});

t.test(
  'Set Endpoint Role changes nothing for a client that stays client and refuses other roles',
  async (t) => {
    const { service, reversed } = await open();
    const role = (EndpointRole: unknown) => outcome(service, '2.1', SetEndpointRole, { EndpointRole });
    t.equal(await role('Client'), 'Success', 'it is the client already');
    t.equal(await role(7), 'InvalidField', 'no such role');
    t.equal(await outcome(service, '2.1', SetEndpointRole, []), 'InvalidMessage', 'no role at all');
    service.channel = { client: 'somebody', reverse: () => t.fail('exchanged for another client') };
    t.equal(await role('Server'), 'PermissionDenied', 'the connection is another client’s');
    service.channel = undefined;
    t.equal(await role('Server'), 'FeatureNotSupported', 'HTTPS');
    t.same(reversed, []);
  },
);

t.test(
  'Set Endpoint Role takes effect at the end of a batch, and not when the batch is undone',
  async (t) => {
    const { service, reversed } = await open();
    const exchange = { operation: 'SetEndpointRole', payload: [server] };
    const undo = [enumerated('BatchErrorContinuationOption', 3)];
    const failing = [exchange, { operation: 'Get', payload: [uid('nothing')] }];
    t.equal(
      outline(await service.batch('2.1', failing, undo)),
      'SetEndpointRole:OperationUndone Get:ObjectNotFound',
    );
    t.same(reversed, []);
    const good = [exchange, { operation: 'Create', payload: createAesPayload2x() }];
    t.equal(outline(await service.batch('2.1', good)), 'SetEndpointRole:Success Create:Success');
    t.same(reversed, ['2.1']);
  },
);

t.test('operations of the server are refused when a client sends them', async (t) => {
  const { service } = await open();
  for (const operation of [Notify, Put]) {
    for (const version of versionsOf(operation)) {
      t.equal(await outcome(service, version, operation, [uid('x')]), 'OperationNotSupported');
      const query = await service.call(version, 'Query', [enumerated('QueryFunction', 1)]);
      const named = JSON.stringify(query.payload).includes(
        `"value":${operation.name === 'Put' ? 0x1c : 0x1b}`,
      );
      t.ok(named, `Query names ${operation.name} in ${version}`);
    }
  }
});
