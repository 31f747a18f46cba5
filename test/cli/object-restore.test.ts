import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ResultReason } from '../../codec/enums.ts';
import type { Node } from '../../codec/wire/node.ts';
import { Import } from '../../src/operations/transfer/import.ts';
import { type Client, valueOf } from '../client.ts';
import { Daemon } from '../fixture/daemon.ts';
import { payloadOf } from '../protocol/operations/ask.ts';
import { mask, symmetric } from '../protocol/operations/transfer/wrapping-keys.ts';
import { createAesPayload2x, uid } from '../protocol/service.ts';
import { writeCertifiedKey } from './administrator.ts';
import { captureCommand } from './run-command.ts';

/** `kmipd object restorable` and `restore`, beside a daemon and without one, alone and by two persons. */

t.setTimeout(600_000);

const daemon = await Daemon.prepare({ config: '[destroy]\nwaitingDays = 30\n' });
t.teardown(() => daemon.remove());
const { home } = daemon;
const kmipd = (...args: readonly string[]) => captureCommand(home, ...args);
const as = (name: string) => ['--as', name, '--as-key', join(home, `${name}.key`)] as const;

async function ask(client: Client, operation: string, ...payload: Node[]): Promise<string> {
  const answer = await client.request('2.1', [{ operation, payload }]);
  const reason = valueOf(answer, 'BatchItem', 'ResultReason') as number | undefined;
  if (reason !== undefined) return String(ResultReason.fromNumber(reason));
  return String(valueOf(answer, 'BatchItem', 'ResponsePayload', 'UniqueIdentifier'));
}

t.test('an operator brings back what a client has destroyed', async (t) => {
  await daemon.start();
  const client = await daemon.connect();
  const id = await ask(client, 'Create', ...createAesPayload2x());
  t.same(await kmipd('object', 'restorable'), { code: 0, output: 'nothing can be restored\n' });
  t.equal(await ask(client, 'Destroy', uid(id)), id);
  t.equal(await ask(client, 'Get', uid(id)), 'ObjectDestroyed');
  const { output } = await kmipd('object', 'restorable');
  t.match(output, /^OBJECT +GROUP +TYPE +DESTROYED BY +AT +RESTORABLE UNTIL\n/);
  t.match(output, new RegExp(`${id} +default +SymmetricKey +demo `));
  t.match(await kmipd('object', 'purge', '--days', '0', '--yes'), { output: /^purged 0 objects/ });
  t.same(await kmipd('object', 'restore', id), {
    code: 0,
    output: `restored ${id} of group default; its state is PreActive, and grants of it have to be made anew\n`,
  });
  t.equal(await ask(client, 'Get', uid(id)), id);
  t.same(await kmipd('object', 'restore', id), {
    code: 1,
    output: `kmipd: nothing was restored: "${id}" is no destroyed object in its waiting period\n`,
  });
  t.equal(await ask(client, 'Destroy', uid(id)), id);
  await client.close();
  await daemon.end();
});

t.test('any identifier that a client has chosen can be listed and restored', async (t) => {
  await daemon.start();
  const client = await daemon.connect();
  const ids = [
    'plain id',
    ' lead',
    'é𝕏',
    '"quoted"',
    'tab\tx',
    'nl\nother  group  SymmetricKey',
    'esc\u001b[2J',
    '-x',
  ];
  for (const [at, UniqueIdentifier] of ids.entries()) {
    const Object = symmetric(new Uint8Array(16).fill(at + 1));
    const request = { UniqueIdentifier, Attributes: [mask('Encrypt')], Object };
    const { value } = payloadOf('2.1', Import, request as never) as Extract<Node, { type: 'Structure' }>;
    t.equal(await ask(client, 'Import', ...value), UniqueIdentifier);
    t.equal(await ask(client, 'Destroy', uid(UniqueIdentifier)), UniqueIdentifier);
  }
  const { output } = await kmipd('object', 'restorable');
  t.equal(output.trim().split('\n').length, 1 + ids.length + 1, 'none begins a line of its own');
  t.match(output, 'nl\\u000aother');
  for (const id of ids) t.match(await kmipd('object', 'restore', JSON.stringify(id)), { code: 0 }, id);
  await client.close();
  await daemon.end();
});

t.test('without a daemon, and by two administrators where the rule says so', async (t) => {
  const [line = ''] = (await kmipd('object', 'restorable', '--json')).output.split('\n');
  const { id, until, destroyedAt } = JSON.parse(line) as Record<string, string>;
  t.equal(Date.parse(until ?? '') - Date.parse(destroyedAt ?? ''), 30 * 86_400_000);
  for (const name of ['anna', 'bert']) {
    const certificate = await writeCertifiedKey(home, name);
    await kmipd('admin', 'add', name, '--role', 'operator', '--cert', certificate);
  }
  appendFileSync(join(home, 'kmipd.toml'), '\n[approval]\nmethods = ["object.restore"]\n');
  t.match(await kmipd('object', 'restore', String(id)), { code: 1, output: /two-person rule/ });
  const asked = await kmipd('object', 'restore', String(id), ...as('anna'));
  const [, request = ''] = /kmipd approval approve ([0-9a-f]{12})/.exec(asked.output) ?? [];
  t.match(await kmipd('approval', 'approve', request, ...as('anna')), { code: 1 });
  t.match(await kmipd('approval', 'approve', request, ...as('bert')), {
    code: 0,
    output: /approved and done/,
  });
  await daemon.start();
  const client = await daemon.connect();
  t.equal(await ask(client, 'Get', uid(String(id))), id);
  await client.close();
  const { output } = await kmipd('object', 'history', String(id));
  for (const operation of ['Create', 'Destroy', 'object.restore', 'approvedBy=bert'])
    t.match(output, operation);
  await daemon.end();
  t.match(await kmipd('verify'), { code: 0 });
});
