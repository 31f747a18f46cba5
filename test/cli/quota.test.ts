import { join } from 'node:path';
import t from 'tap';
import { ResultReason } from '../../codec/enums.ts';
import { connect, readIdentity, text, valueOf } from '../client.ts';
import { KmipdProcess, runKmipd } from '../fixture/kmipd.ts';
import { createAesPayload2x } from '../protocol/service.ts';

/** `kmipd quota` beside a running daemon, and without one. */

t.setTimeout(600_000);

t.test('an operator limits the objects of a group while the daemon runs', async (t) => {
  const directory = t.testdir();
  const run = async (...args: string[]) => {
    const command = await runKmipd(directory, ...args, '--home', 'home');
    return { code: await command.exited(), text: command.combinedOutput };
  };
  t.equal((await run('init')).code, 0);
  const start = async () => {
    const serve = ['serve', '--home', 'home', '--listen', '127.0.0.1:0', '--metrics', '127.0.0.1:0'];
    const daemon = new KmipdProcess(serve, { cwd: directory });
    t.teardown(() => daemon.end('SIGKILL'));
    const { port, metrics } = (await daemon.ready()) as { port: number; metrics?: number };
    const identity = await readIdentity(join(directory, 'home', 'clients', 'demo'));
    const client = await connect({ port, ...identity });
    t.teardown(() => client.close());
    const ask = async (operation: string, payload = createAesPayload2x()) => {
      const answer = await client.request('2.1', [{ operation, payload }]);
      const reason = valueOf(answer, 'BatchItem', 'ResultReason') as number | undefined;
      return {
        id: String(valueOf(answer, 'BatchItem', 'ResponsePayload', 'UniqueIdentifier')),
        reason: reason === undefined ? 'Success' : String(ResultReason.fromNumber(reason)),
        message: String(valueOf(answer, 'BatchItem', 'ResultMessage')),
      };
    };
    return { daemon, ask, metrics };
  };
  const first = await start();
  const { ask } = first;
  const { id } = await ask('Create');
  t.match(await run('quota', 'set', 'default', '--objects', '2'), {
    text: 'group default may have 2 objects; it has 1\n',
  });
  t.match(await ask('Create'), { reason: 'Success' }, 'on the connection that is open');
  t.match(await ask('Create'), {
    reason: 'ServerLimitExceeded',
    message:
      'the group default has 2 objects, as many as its quota allows: destroy some, or ask the operator',
  });
  t.match((await run('quota', 'list')).text, /^default +2 +2 +\d{4}-/m);
  const listed = JSON.parse((await run('quota', 'list', '--json')).text);
  t.match(listed, { group: 'default', limit: 2, objects: 2, set: /^\d{4}-.*Z$/ });
  const explain = (operation: string) =>
    run('policy', 'explain', '--client', 'demo', '--operation', operation);
  t.match(await explain('Create'), {
    code: 1,
    text: /quota: +no +quota default: 2 objects, of which it has 2: it makes no new one\n/,
  });
  t.match(await explain('Get'), { code: 0 });
  const shown = await run('audit', 'show', '--client', 'demo', '--operation', 'Create', '--json');
  t.match(shown.text, '"reason":"ServerLimitExceeded","rule":"quota default: 2 objects"');
  const acts = await run('audit', 'show', '--operation', 'quota.set', '--json');
  t.match(acts.text, '"group":"default","objects":2');

  t.match(await ask('Destroy', [text('UniqueIdentifier', id)]), { reason: 'Success' });
  t.match(await explain('Create'), {
    code: 0,
    text: /quota: +yes +quota default: 2 objects, of which it has 1/,
  });
  t.match(await ask('Create'), { reason: 'Success' });
  t.match(await run('quota', 'set', 'default', '--objects', '1'), {
    text:
      'group default may, in place of its quota of before, have 1 objects; it has 2\n' +
      'it makes no new ones until enough of them are destroyed\n',
  });
  t.equal(await first.daemon.end('SIGTERM'), 0);
  t.match(first.daemon.combinedOutput, 'the group of the client has as many objects as its quota allows');

  t.match(await run('quota', 'set', 'default', '--objects', '3'), { code: 0 }, 'without a daemon');
  const second = await start();
  t.match(await second.ask('Create'), { reason: 'Success' });
  t.match(await second.ask('Create'), { reason: 'ServerLimitExceeded' });
  t.equal((await run('quota', 'remove', 'default')).code, 0);
  t.match(await second.ask('Create'), { reason: 'Success' }, 'at once');
  t.equal(await second.daemon.end('SIGTERM'), 0);
});
