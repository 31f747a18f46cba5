import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { FlatItem } from '../../src/audit/sinks/formats/flatten.ts';
import { Import } from '../../src/operations/transfer/import.ts';
import { type Client, type RequestItem, valueOf } from '../client.ts';
import { Daemon } from '../fixture/daemon.ts';
import { KmipdProcess } from '../fixture/kmipd.ts';
import { asked, headers } from '../protocol/approvals/approvals.ts';
import { correlationField } from '../protocol/jobs.ts';
import { symmetric } from '../protocol/operations/transfer/wrapping-keys.ts';
import { answersOf, createAesPayload2x, outline, uid } from '../protocol/service.ts';
import { writeCertifiedKey } from './administrator.ts';
import { captureCommand } from './run-command.ts';

/** The two-person rule for operations of clients, by commands and a client of a daemon. */

t.setTimeout(300_000);

const daemon = await Daemon.prepare();
t.teardown(() => daemon.remove());
const { home } = daemon;
const kmipd = (...args: readonly string[]) => captureCommand(home, ...args);
const as = (name: string) => ['--as', name, '--as-key', join(home, `${name}.key`)] as const;

for (const [name, role] of [
  ['anna', 'admin'],
  ['otto', 'operator'],
  ['aida', 'auditor'],
] as const)
  await kmipd('admin', 'add', name, '--role', role, '--cert', await writeCertifiedKey(home, name));
const config = join(home, 'kmipd.toml');
const original = readFileSync(config);
appendFileSync(config, '\n[approval]\noperations = ["Destroy", "Get"]\n');

/** Sends items to the daemon; returns the answers and the first correlation value. */
async function send(client: Client, items: readonly RequestItem[], mode = 'synchronous') {
  const message = await client.request('2.1', items, headers[mode]);
  const value = valueOf(message, 'BatchItem', 'AsynchronousCorrelationValue') as Uint8Array | undefined;
  const answers = answersOf(message);
  return { answers, value, line: outline(answers) };
}

async function newKey(client: Client): Promise<string> {
  const { answers } = await send(client, [{ operation: 'Create', payload: createAesPayload2x() }]);
  return String(answers[0]?.id);
}

const importKey = (UniqueIdentifier: string) =>
  asked(Import, {
    ...{ UniqueIdentifier, ObjectType: 'SymmetricKey', Attributes: [] },
    Object: symmetric(new Uint8Array(16)),
  });
const destroy = (id: string): RequestItem => ({ operation: 'Destroy', payload: [uid(id)] });

/** Polls until the request is decided and done. */
async function finished(client: Client, value: Uint8Array | undefined): Promise<string> {
  for (;;) {
    const { line } = await send(client, [{ operation: 'Poll', payload: [correlationField(value)] }]);
    if (line !== 'Poll:OperationPending') return line;
    await sleep(20);
  }
}

const polled = async (client: Client, value: Uint8Array | undefined) =>
  (await send(client, [{ operation: 'Poll', payload: [correlationField(value)] }])).line;

/** Returns the number of the only request that waits. */
async function numberOf(): Promise<string> {
  const { output } = await kmipd('approval', 'list');
  const found = [...output.matchAll(/^request: +([0-9a-f]{12})$/gm)];
  if (found.length !== 1) throw new Error(output);
  return String(found[0]?.[1]);
}

async function recorded(operation: string, isSought: (item: FlatItem) => boolean): Promise<FlatItem> {
  for (;;) {
    const { output } = await kmipd('audit', 'show', '--json', '--limit', '0', '--operation', operation);
    const lines = output.split('\n').filter((line) => line.startsWith('{'));
    const found = lines.map((line) => JSON.parse(line) as FlatItem).find(isSought);
    if (found !== undefined) return found;
    await sleep(50);
  }
}

t.test('an administrator approves what a client waits for, and the daemon does it at once', async (t) => {
  await daemon.start();
  const client = await daemon.connect();
  t.teardown(() => client.close());
  const id = await newKey(client);
  t.equal((await send(client, [destroy(id)])).line, 'Destroy:PermissionDenied');
  const { value, line } = await send(client, [destroy(id)], 'optional');
  t.equal(line, 'Destroy:OperationPending');
  const number = await numberOf();
  await daemon.waitForOutput(new RegExp(`"approval":"${number}".*a client waits for the approval`));
  const { output } = await kmipd('approval', 'list');
  t.match(output, /^state: +pending\nasked by: +client demo\nexpires: .*Z\ngroup: +default\nrole: +full\n/m);
  t.match(output, new RegExp(`^Destroy: +${id}\nmessage: +Destroy\n$`, 'm'));
  t.match(JSON.parse((await kmipd('approval', 'list', '--json')).output), {
    ...{ id: number, method: 'Destroy', requester: 'demo', client: { group: 'default', role: 'full' } },
    params: { items: ['Destroy'], objects: { Destroy: [id] } },
  });
  t.match(await kmipd('approval', 'approve', number), { code: 1, output: /by administrators only/ });
  t.match(await kmipd('approval', 'approve', number, ...as('aida')), { code: 1, output: /may not call/ });
  t.equal(await polled(client, value), 'Poll:OperationPending');
  t.match(await kmipd('approval', 'approve', number, ...as('otto')), {
    ...{ code: 0, output: /state: +executing by otto\n.*approved: kmipd does it for the client\n$/s },
  });
  t.equal(await finished(client, value), 'Destroy:Success');
  t.match(await kmipd('approval', 'approve', number, ...as('otto')), {
    code: 1,
    output: /there is no request/,
  });
  t.match(await kmipd('approval', 'list'), { output: /no requests wait/ });

  const job = value?.toHex();
  const about = { client: 'demo', objects: [id] };
  t.match(await recorded('Destroy', (item) => item.result === 'OperationPending'), { ...about, job });
  t.match(await recorded('Destroy', (item) => item.kind === 'job'), {
    ...{ ...about, job, result: 'Success', details: { request: number, approvedBy: 'otto' } },
  });
  t.match(await recorded('approval.approve', (item) => item.result === 'Success'), {
    ...{ administrator: 'otto', objects: [id] },
    details: { id: number, client: 'demo', group: 'default', operations: 'Destroy' },
  });
});

t.test('a request waits across restarts, and is approved where no daemon serves', async (t) => {
  const client = await daemon.connect();
  const [one, two] = [await newKey(client), await newKey(client)];
  const approved = await send(client, [destroy(one)], 'mandatory');
  await client.close();
  await daemon.end();
  const number = await numberOf();
  t.match(await kmipd('approval', 'approve', number, ...as('anna')), { code: 0 });
  t.match(await kmipd('approval', 'list'), { output: /no requests wait/ });
  await daemon.start();
  const again = await daemon.connect();
  t.teardown(() => again.close());
  t.equal(await finished(again, approved.value), 'Destroy:Success');

  const rejected = await send(again, [destroy(two)], 'mandatory');
  t.match(await kmipd('approval', 'reject', await numberOf(), ...as('otto')), {
    ...{ code: 0, output: /state: +rejected by otto\n.*nothing was changed\n$/s },
  });
  t.equal(await polled(again, rejected.value), 'Destroy:PermissionDenied');
  t.match(await recorded('approval.reject', (item) => item.result === 'Success'), {
    ...{ administrator: 'otto', objects: [two], details: { client: 'demo', operations: 'Destroy' } },
  });
  t.equal(
    (await send(again, [{ operation: 'GetAttributes', payload: [uid(two)] }])).line,
    'GetAttributes:Success',
  );
});

t.test('who has the key of the client is no second person', async (t) => {
  const client = await daemon.connect();
  t.teardown(() => client.close());
  const { value } = await send(client, [destroy(await newKey(client))], 'optional');
  const number = await numberOf();
  const identity = join(home, 'clients', 'demo');
  const args = ['admin', 'add', 'demi', '--role', 'admin', '--cert', join(identity, 'cert.pem')];
  t.match(await kmipd(...args), { code: 0 });
  const asClient = ['--as', 'demi', '--as-key', join(identity, 'key.pem')];
  t.match(await kmipd('approval', 'approve', number, ...asClient), {
    ...{ code: 1, output: /your key is that of the client demo/ },
  });
  t.equal(await polled(client, value), 'Poll:OperationPending');
  t.match(await kmipd('approval', 'reject', number, ...as('anna')), { code: 0 });
});

t.test('an identifier that a client has chosen cannot pass for another text', async (t) => {
  const client = await daemon.connect();
  t.teardown(() => client.close());
  const id = 'a, b\nmessage: Get\u202e';
  t.equal((await send(client, [importKey(id)])).line, 'Import:Success');
  await send(client, [destroy(id)], 'optional');
  const { output } = await kmipd('approval', 'list');
  t.match(output, /^Destroy: +"a, b\\nmessage: Get\\u/m);
  t.equal(output.match(/^message:/gm)?.length, 1);
  t.match(await kmipd('approval', 'reject', await numberOf(), ...as('anna')), { code: 0 });
});

t.test('commands tell what needs an approval', async (t) => {
  t.match(await kmipd('policy', 'explain', '--client', 'demo', '--operation', 'Destroy'), {
    output: /with the approval of an administrator only: Destroy, and Import that replaces an object/,
  });
  t.match(await kmipd('policy', 'explain', '--client', 'demo', '--operation', 'Export'), {
    output: /^(?!.*approval)/s,
  });
  t.match(await kmipd('role', 'show', 'full'), {
    output: /^only with the approval of an administrator: Destroy, and Import.*; Get of a secret/m,
  });
  const hashOf = async () => /policy hash (\w+)/.exec((await kmipd('role', 'list')).output)?.[1];
  const hash = await hashOf();
  await daemon.end();
  writeFileSync(config, original);
  t.not(await hashOf(), hash);
  writeFileSync(config, '[approval]\noperations = ["Get"]\n');
  const warned = new KmipdProcess(['check-config', '--home', home]);
  t.equal(await warned.exited(), 0);
  t.match(
    warned.combinedOutput,
    /names "Get" and not "Export": clients whose role permits Export take values/,
  );
  t.match(warned.combinedOutput, /"approval.methods" lacks client.add, credential.addPassword, .*can ask as/);
  for (const [line, problem] of [
    ['operations = ["Destory"]', /"approval.operations": "Destory" cannot be.*did you mean "Destroy"/],
    ['operations = ["Get"]\nroles = ["ful"]', /"approval.roles": the role "ful" is not defined/],
  ] as const) {
    writeFileSync(config, `[approval]\n${line}\n`);
    const checking = new KmipdProcess(['check-config', '--home', home]);
    t.equal(await checking.exited(), 1);
    t.match(checking.combinedOutput, problem);
  }
});
