import { join } from 'node:path';
import t from 'tap';
import { ResultReason } from '../../codec/enums.ts';
import type { Node } from '../../codec/wire/node.ts';
import {
  type Client,
  connect,
  enumerated,
  integer,
  readIdentity,
  structure,
  text,
  valueOf,
} from '../client.ts';
import { KmipdProcess, runKmipd } from '../fixture/kmipd.ts';

/** `kmipd grant` beside a running daemon: a client of another group uses one key until that ends. */

t.setTimeout(600_000);

async function ask(client: Client, operation: string, ...payload: Node[]) {
  const answer = await client.request('2.1', [{ operation, payload }]);
  const reason = valueOf(answer, 'BatchItem', 'ResultReason') as number | undefined;
  const id = valueOf(answer, 'BatchItem', 'ResponsePayload', 'UniqueIdentifier');
  return {
    id: String(id),
    reason: reason === undefined ? 'Success' : String(ResultReason.fromNumber(reason)),
  };
}

const create = (client: Client) => {
  const attributes = structure(
    'Attributes',
    enumerated('CryptographicAlgorithm', 3),
    integer('CryptographicLength', 256),
    integer('CryptographicUsageMask', 12),
  );
  return ask(client, 'Create', enumerated('ObjectType', 2), attributes);
};

t.test('an operator grants a key to a client of another group while the daemon runs', async (t) => {
  const directory = t.testdir();
  const run = async (...args: string[]) => {
    const command = await runKmipd(directory, ...args, '--home', 'home');
    return { code: await command.exited(), text: command.combinedOutput };
  };
  t.equal((await run('init')).code, 0);
  t.equal((await run('client', 'add', 'reports', '--role', 'read-only', '--group', 'reports')).code, 0);
  const daemon = new KmipdProcess(['serve', '--home', 'home', '--listen', '127.0.0.1:0'], { cwd: directory });
  t.teardown(() => daemon.end('SIGKILL'));
  const { port } = await daemon.ready();
  const open = async (name: string) => {
    const client = await connect({ port, ...(await readIdentity(join(directory, 'home', 'clients', name))) });
    t.teardown(() => client.close());
    return client;
  };
  const [demo, reports] = [await open('demo'), await open('reports')];
  const { id } = await create(demo);
  const { id: other } = await create(demo);
  const outcome = async (object: string, operation = 'Get') =>
    (await ask(reports, operation, text('UniqueIdentifier', object))).reason;
  const explain = () => run('policy', 'explain', '--client', 'reports', '--operation', 'Get', '--object', id);

  t.equal(await outcome(id), 'ObjectNotFound');
  const added = await run('grant', 'add', id, '--client', 'reports', '--operations', 'Get, Encrypt');
  t.equal(
    added.text,
    `client reports may use ${id} of group default by Get, Encrypt\n` +
      'its role does not permit Encrypt, so the grant gives nothing there\n',
  );
  t.equal(await outcome(id), 'Success', 'on the connection that is open');
  t.equal(await outcome(other), 'ObjectNotFound');
  t.equal(await outcome(id, 'GetAttributes'), 'ObjectNotFound');
  t.equal(await outcome(id, 'Encrypt'), 'PermissionDenied');
  t.match((await explain()).text, `grant:     yes  grant ${id} to client reports permits Get, Encrypt`);
  const row = new RegExp(`^${id} +default +client reports +Get,Encrypt +never +active$`, 'm');
  t.match((await run('grant', 'list')).text, row);
  const shown = await run('audit', 'show', '--client', 'reports', '--operation', 'Get', '--json');
  t.match(shown.text, `"rule":"grant ${id} to client reports"`);
  const acts = await run('audit', 'show', '--operation', 'grant.add', '--object', id, '--json');
  t.match(acts.text, '"client":"reports","operations":"Get,Encrypt"', 'and the act of the operator');

  const soon = new Date(Date.now() + 3_600_000).toISOString();
  const again = await run('grant', 'add', id, '--group', 'reports', '--operations', 'Get', '--until', soon);
  t.match(again.text, /^group reports may use .* by Get until \d{4}-/);
  t.equal((await run('grant', 'remove', id, '--client', 'reports')).code, 0);
  t.equal(await outcome(id), 'Success', 'by the grant to its group');
  const [listed] = (await run('grant', 'list', id, '--json')).text.trim().split('\n');
  t.match(JSON.parse(listed ?? ''), {
    object: id,
    owner: 'default',
    client: null,
    group: 'reports',
    state: 'active',
  });
  t.equal((await run('grant', 'remove', id, '--group', 'reports')).code, 0);
  t.equal(await outcome(id), 'ObjectNotFound', 'at once');
  t.equal((await explain()).code, 1);
  t.equal(await daemon.end('SIGTERM'), 0);
});
