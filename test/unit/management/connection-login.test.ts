import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { connectManagement, type ManagementConnection } from '../../../src/management/client.ts';
import { LoginRefusedError, ManagementError } from '../../../src/management/errors.ts';
import { ManagementServer } from '../../../src/management/server.ts';
import { AdministratorFixture, foreignKey, storeName } from './administrator-fixture.ts';

t.setTimeout(60_000);

/** Serves the administrators of a fixture, by the true time. */
async function serve(t: Pick<typeof import('tap').default, 'teardown'>) {
  const fixture = new AdministratorFixture();
  fixture.now = Date.now();
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-login-'));
  const path = join(directory, 's');
  const described = Promise.withResolvers<void>();
  let descriptions = 0;
  const server = new ManagementServer({
    ...{ path, backends: fixture.backends, ready: async () => {}, changed: async () => undefined },
    description: {
      process: 1,
      get store() {
        descriptions += 1;
        if (descriptions > 5) described.resolve();
        return storeName;
      },
    },
    describeError: (error) => {
      const { code, message } = error as LoginRefusedError;
      return error instanceof ManagementError || error instanceof LoginRefusedError
        ? { code, message }
        : undefined;
    },
    failed: (method, error) => t.teardown(() => Promise.reject(new Error(method, { cause: error }))),
    observe: async (caller, method, params, outcome) => {
      fixture.calls.push({ caller, method, params, outcome });
    },
  });
  await server.listen();
  const connections: ManagementConnection[] = [];
  t.teardown(async () => {
    for (const each of connections) each.close();
    await server.close();
    rmSync(directory, { recursive: true });
  });
  const open = async (silentMilliseconds?: number) => {
    const connection = await connectManagement(path, silentMilliseconds);
    if (connection === undefined) throw new Error('nobody answers');
    connections.push(connection);
    return connection;
  };
  return { fixture, path, open, described: described.promise };
}

t.test('a key logs in again on a connection that is made anew', async (t) => {
  const { fixture, open } = await serve(t);
  const bert = await fixture.addByKey('bert', 'auditor');
  const connection = await open(0);
  await connection.logIn(bert);
  t.match(await connection.call('admin.list', {}), [{ name: 'bert' }]);
  t.match(await connection.call('admin.list', {}), [{ name: 'bert' }]);
  const callers = fixture.calls.filter(({ method }) => method === 'admin.list').map(({ caller }) => caller);
  t.match(callers, [{ name: 'bert' }, { name: 'bert' }]);
  t.not(callers[0]?.connection, callers[1]?.connection, 'by two connections');
});

t.test('a password logs in once, and never goes on as the nameless admin', async (t) => {
  const { fixture, open } = await serve(t);
  const anna = await fixture.addByPassword('anna', 'auditor');
  const connection = await open(0);
  await connection.logIn(fixture.show(anna));
  await t.rejects(connection.call('admin.list', {}), /the connection was lost, and with it the login/);
  t.notOk(fixture.calls.some(({ method }) => method === 'admin.list'));
});

t.test('a connection with a password is kept alive', async (t) => {
  const { fixture, open, described } = await serve(t);
  const anna = await fixture.addByPassword('anna', 'auditor');
  const connection = await open(3_000);
  await connection.logIn(fixture.show(anna));
  // Only what keeps it alive asks who the daemon is.
  await described;
  t.match(await connection.call('admin.list', {}), [{ name: 'anna' }]);
});

t.test('the server ends a connection whose login was refused', async (t) => {
  const { fixture, path, open } = await serve(t);
  await fixture.addByKey('bert', 'admin');
  const refused = await open();
  await t.rejects(refused.logIn({ name: 'bert', key: foreignKey }), /the login was refused/);
  await t.rejects(refused.call('admin.list', {}), ManagementError);
  // It may be closed before the last request is written.
  const socket = connect(path);
  socket.on('error', () => {});
  const send = (method: string, params: unknown) =>
    socket.write(`${JSON.stringify({ id: 1, method, params })}\n`);
  send('service.challenge', {});
  await once(socket, 'data');
  send('service.login', { name: 'bert', input: null });
  const [answer] = await once(socket, 'data');
  t.match(String(answer), '"code":"LOGIN_REFUSED"');
  const closed = new Promise((resolve) => socket.once('close', resolve));
  send('admin.list', {});
  await closed;
  t.notOk(fixture.calls.some(({ method }) => method === 'admin.list'));
});
