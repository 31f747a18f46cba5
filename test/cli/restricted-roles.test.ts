import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ResultReason } from '../../codec/enums.ts';
import { connect, enumerated, integer, readIdentity, structure, text, valueOf } from '../client.ts';
import { KmipdProcess, runKmipd } from '../fixture/kmipd.ts';

/** Roles as tables in a running daemon: open connections, reload, explanations, and the log. */

t.setTimeout(600_000);

const operations = 'operations = ["Create", "Get", "Locate"]';
const table = (...lines: string[]) => ['[roles.lab]', operations, ...lines, ''].join('\n');

t.test('a restriction of a role is in force on open connections after a reload', async (t) => {
  const directory = t.testdir();
  const configure = (roles: string) => writeFileSync(join(directory, 'home', 'kmipd.toml'), roles);
  const run = async (...args: string[]) => {
    const command = await runKmipd(directory, ...args, '--home', 'home');
    return { code: await command.exited(), text: command.combinedOutput };
  };
  t.equal((await run('init')).code, 0);
  configure(table('objectTypes = ["SymmetricKey"]', 'algorithms = ["AES>=192"]'));
  t.equal((await run('client', 'add', 'one', '--role', 'lab')).code, 0);
  const daemon = new KmipdProcess(['serve', '--home', 'home', '--listen', '127.0.0.1:0'], { cwd: directory });
  t.teardown(() => daemon.end('SIGKILL'));
  const { port } = await daemon.ready();
  const client = await connect({ port, ...(await readIdentity(join(directory, 'home', 'clients', 'one'))) });
  t.teardown(() => client.close());
  const ask = async (operation: string, payload: Parameters<typeof structure>[1][]) => {
    const answer = await client.request('2.1', [{ operation, payload }]);
    const number = valueOf(answer, 'BatchItem', 'ResultReason') as number | undefined;
    const reason = number === undefined ? undefined : ResultReason.fromNumber(number);
    const id = valueOf(answer, 'BatchItem', 'ResponsePayload', 'UniqueIdentifier');
    return { reason, id: id as string };
  };
  const create = (bits: number) =>
    ask('Create', [
      enumerated('ObjectType', 2),
      structure(
        'Attributes',
        enumerated('CryptographicAlgorithm', 3),
        integer('CryptographicLength', bits),
        integer('CryptographicUsageMask', 12),
      ),
    ]);
  const get = async (id: string) => (await ask('Get', [text('UniqueIdentifier', id)])).reason;

  t.equal((await create(128)).reason, 'PermissionDenied');
  const { id } = await create(256);
  t.equal(await get(id), undefined);
  configure(table('algorithms = ["AES=192"]'));
  t.match(await daemon.reload(), 'configuration reloaded');
  t.equal(await get(id), 'ObjectNotFound');
  const hidden = await run('policy', 'explain', '--client', 'one', '--operation', 'Get', '--object', id);
  t.equal(hidden.code, 1);
  t.match(hidden.text, /does not include AES of 256 bits \(roles\.lab\.algorithms\), so it does not exist/);
  configure(table('wrapping = "required"'));
  t.match(await daemon.reload(), 'configuration reloaded');
  t.equal(await get(id), 'Sensitive');
  await daemon.waitForOutput(/lacks a permission/);
  t.match(daemon.output, /"operation":"roles\.lab\.wrapping"/);
  const wrapped = await run('policy', 'explain', '--client', 'one', '--operation', 'Get', '--object', id);
  t.match(wrapped.text, /its value leaves wrapped only \(roles\.lab\.wrapping\)/);
  configure(table('wrapping = "always"'));
  t.match(await daemon.reload(), 'reload failed');
  t.match(daemon.output, /\\"roles\.lab\.wrapping\\": \\"always\\" is none of/);
  t.equal(await get(id), 'Sensitive', 'the former configuration stays in force');
  configure(table());
  t.match(await daemon.reload(), 'configuration reloaded');
  t.equal(await get(id), undefined);
});
