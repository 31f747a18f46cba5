import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { QueryFunction } from '../../codec/enums.ts';
import { enumerated, integer, readIdentity, requestMessage, text, valueOf } from '../client.ts';
import { KmipdProcess, runKmipd } from '../fixture/kmipd.ts';
import { type FormName, HttpsClient } from '../https-client.ts';

/** The HTTPS listener of the daemon: its option, a reload, disabled clients, draining. */

t.setTimeout(900_000);

const asked = enumerated('QueryFunction', QueryFunction.toNumber('QueryProfiles'));
const query = requestMessage('2.1', [{ operation: 'Query', payload: [asked] }]);

async function profilesOver(client: HttpsClient, form: FormName): Promise<number> {
  const answer = await client.exchange(query, form);
  return (valueOf(answer, 'BatchItem', 'ResponsePayload') as unknown[]).length;
}

t.test('--https opens a second listener for the same clients', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'kmipd-https-'));
  const daemon = new KmipdProcess(
    ['serve', '--home', 'home', '--listen', '127.0.0.1:0', '--https', '127.0.0.1:0'],
    { cwd: directory },
  );
  t.teardown(async () => {
    await daemon.end('SIGKILL');
    await rm(directory, { recursive: true, force: true });
  });
  const { httpsPort: port } = await daemon.ready();
  const out = join(directory, 'second');
  t.equal(
    await (await runKmipd(directory, 'client', 'add', 'second', '--home', 'home', '--out', out)).exited(),
    0,
  );
  const demo = await readIdentity(join(directory, 'home', 'clients', 'demo'));
  const first = new HttpsClient({ port, ...demo });
  const second = new HttpsClient({ port, ...(await readIdentity(out)) });
  t.teardown(() => Promise.all([first.close(), second.close()]));
  for (const form of ['ttlv', 'xml', 'json'] as const) {
    t.ok((await profilesOver(first, form)) > 10, form);
    t.ok((await profilesOver(second, form)) > 10, form);
  }

  const role = requestMessage('2.1', [
    { operation: 'SetEndpointRole', payload: [enumerated('EndpointRole', 2)] },
  ]);
  t.equal(valueOf(await first.exchange(role, 'xml'), 'BatchItem', 'ResultStatus'), 1, 'no roles to exchange');
  const missing = requestMessage('1.4', [{ operation: 'Get', payload: [text('UniqueIdentifier', 'none')] }]);
  const sized = requestMessage(
    '1.4',
    [{ operation: 'Query', payload: [enumerated('QueryFunction', 1)] }],
    [integer('MaximumResponseSize', 128)],
  );
  t.equal(valueOf(await first.exchange(missing, 'json'), 'BatchItem', 'ResultReason'), 1, 'Item Not Found');
  t.equal(valueOf(await first.exchange(sized, 'json'), 'BatchItem', 'ResultReason'), 2, 'Response Too Large');

  t.match(await daemon.reload(), 'configuration reloaded');
  t.ok((await profilesOver(first, 'ttlv')) > 10, 'the connection has outlived a reload');
  await runKmipd(directory, 'client', 'disable', 'second', '--home', 'home');
  await t.rejects(profilesOver(second, 'xml'), 'a disabled client is cut off');
  t.ok((await profilesOver(first, 'xml')) > 10, 'others were not disturbed');
  t.equal(await daemon.end(), 0, 'an idle connection does not hold up the end');
});

t.test('the daemon names the option when the HTTPS address cannot be bound', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'kmipd-https-'));
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  t.teardown(async () => {
    taken.close();
    await rm(directory, { recursive: true, force: true });
  });
  const { port } = taken.address() as { port: number };
  const args = ['serve', '--home', 'home', '--listen', '127.0.0.1:0', '--https', `127.0.0.1:${port}`];
  const daemon = await runKmipd(directory, ...args);
  t.equal(await daemon.exited(), 1);
  t.match(daemon.errors, `127.0.0.1:${port} is in use by another program`);
  t.match(daemon.errors, 'choose another with --https HOST:PORT');
});
