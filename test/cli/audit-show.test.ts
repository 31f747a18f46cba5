import t from 'tap';
import { enumerated, integer, structure, text, valueOf } from '../client.ts';
import { Daemon } from '../fixture/daemon.ts';
import { runKmipd } from '../fixture/kmipd.ts';

/** What `kmipd audit show` shows of texts that a client has chosen, and how much of them is recorded. */

t.setTimeout(200_000);

async function show({ home }: Daemon, ...args: string[]) {
  const command = await runKmipd(home, 'audit', 'show', ...args, '--home', home);
  t.equal(await command.exited(), 0);
  return command.output.split('\n').filter(Boolean);
}

t.test('a text of a client is no line of its own, and no other field', async (t) => {
  const daemon = await Daemon.start();
  t.teardown(() => daemon.stop());
  const client = await daemon.connect();
  const line = '2026-11-30T21:30:00.000Z  backup  Destroy  Success  01a2';
  const asked = [`x\n${line}`, `\u2028${line}`, `\r${line}`, '\u001b[2K', 'a  b', '"', '', ' ', '\u202e'];
  for (const id of asked)
    await client.request('2.1', [{ operation: 'Get', payload: [text('UniqueIdentifier', id)] }]);
  await client.close();
  t.equal(await daemon.end(), 0);
  const shown = (await show(daemon, '--limit', '0')).filter((each) => each.includes('ObjectNotFound'));
  t.equal(shown.length, asked.length, 'each item is one line');
  t.strictSame(
    shown.map((each) => each.split('  ').slice(2, 4).join(' ')),
    asked.map(() => 'Get OperationFailed (ObjectNotFound)'),
  );
  for (const each of shown) t.match(each, /^[ -~]+$/);
  const json = await show(daemon, '--limit', '0', '--json');
  for (const each of json) t.notMatch(each, /[\u2028\u202e]/, 'JSON has such characters as escapes');
  const items = json.map((each) => JSON.parse(each));
  const ids = items.filter(({ reason }) => reason === 'ObjectNotFound').map(({ objects }) => objects[0]);
  const marked = [`x\ufffd${line}`, `\ufffd${line}`, `\ufffd${line}`, '\ufffd[2K'];
  t.strictSame(ids, [...marked, 'a  b', '"', '', ' ', '\u202e']);
});

t.test('a batch about an object with a long Name is recorded, and others are served', async (t) => {
  const daemon = await Daemon.prepare({ config: '[audit]\nnames = true\n' });
  t.teardown(() => daemon.remove());
  await daemon.start();
  const [client, other] = [await daemon.connect(), await daemon.connect()];
  const names = Array.from({ length: 12 }, (_, at) =>
    structure('Name', text('NameValue', `${at}${'\u0001'.repeat(80_000)}`), enumerated('NameType', 1)),
  );
  const created = await client.request('2.1', [
    {
      operation: 'Create',
      payload: [
        enumerated('ObjectType', 2),
        structure(
          'Attributes',
          enumerated('CryptographicAlgorithm', 3),
          integer('CryptographicLength', 256),
          integer('CryptographicUsageMask', 12),
          ...names,
        ),
      ],
    },
  ]);
  const id = String(valueOf(created, 'BatchItem', 'ResponsePayload', 'UniqueIdentifier'));
  const items = Array.from({ length: 500 }, (_, at) => ({
    ...{ operation: 'Check', uniqueBatchItemID: Uint8Array.of(at >> 8, at & 255) },
    payload: [text('UniqueIdentifier', id)],
  }));
  const answer = await client.request('2.1', items);
  t.equal(valueOf(answer, 'BatchItem', 'ResultStatus'), 0);
  await other.request('2.1', [{ operation: 'Ping' }]);
  await Promise.all([client.close(), other.close()]);
  t.equal(await daemon.end(), 0);
  const checks = (await show(daemon, '--limit', '0', '--json'))
    .map((each) => JSON.parse(each))
    .filter(({ operation }) => operation === 'Check');
  t.equal(checks.length, items.length, 'each item is recorded');
  t.ok(new Set(checks.map(({ number }) => number)).size > 1, 'in several entries');
  for (const { objects, objectDetails } of checks) {
    t.strictSame(objects, [id]);
    t.equal(objectDetails[0].names.length, 8);
    for (const name of objectDetails[0].names) t.equal(name.length, 256);
  }
});
