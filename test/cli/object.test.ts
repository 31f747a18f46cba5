import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { ResultReason } from '../../codec/enums.ts';
import { CryptographicUsageMask } from '../../codec/masks.ts';
import type { Node } from '../../codec/wire/node.ts';
import {
  bytes,
  type Client,
  connect,
  enumerated,
  integer,
  item,
  readIdentity,
  structure,
  text,
  valueOf,
} from '../client.ts';
import { KmipdProcess, runKmipd } from '../fixture/kmipd.ts';
import { waitUntil } from '../wait-until.ts';

/** `kmipd object` beside a running daemon: under which keys Sensitive keys leave, as the operator decides. */

t.setTimeout(900_000);

const aes = 3;
const mask = (...uses: Parameters<typeof CryptographicUsageMask.bit>[0][]) =>
  integer(
    'CryptographicUsageMask',
    uses.reduce((sum, use) => sum | CryptographicUsageMask.bit(use), 0),
  );

async function create(client: Client, operation: string, ...payload: Node[]): Promise<string> {
  const answer = await client.request('2.1', [{ operation, payload }]);
  const id = valueOf(answer, 'BatchItem', 'ResponsePayload', 'UniqueIdentifier');
  if (typeof id !== 'string') throw new Error(String(valueOf(answer, 'BatchItem', 'ResultMessage')));
  return id;
}

const reason = structure('RevocationReason', enumerated('RevocationReasonCode', 1));

const registeredKey = (material: Uint8Array, ...attributes: Node[]) => [
  enumerated('ObjectType', 2),
  structure('Attributes', item('ActivationDate', 'DateTime', 1_000), ...attributes),
  structure(
    'SymmetricKey',
    structure(
      'KeyBlock',
      enumerated('KeyFormatType', 1),
      structure('KeyValue', bytes('KeyMaterial', material)),
      enumerated('CryptographicAlgorithm', aes),
      integer('CryptographicLength', material.length * 8),
    ),
  ),
];

/** The outcome of Get of one key wrapped under another. */
async function getWrapped(client: Client, id: string, kek: string): Promise<string> {
  const information = structure('EncryptionKeyInformation', text('UniqueIdentifier', kek));
  const specification = structure('KeyWrappingSpecification', enumerated('WrappingMethod', 1), information);
  const payload = [text('UniqueIdentifier', id), specification];
  const answer = await client.request('2.1', [{ operation: 'Get', payload }]);
  const reason = valueOf(answer, 'BatchItem', 'ResultReason') as number | undefined;
  return reason === undefined ? 'Success' : String(ResultReason.fromNumber(reason));
}

t.test('an operator marks a recipient, and takes the mark back, while the daemon runs', async (t) => {
  const directory = t.testdir();
  const home = ['--home', 'home'];
  const daemon = new KmipdProcess(['serve', ...home, '--listen', '127.0.0.1:0'], { cwd: directory });
  t.teardown(() => daemon.end('SIGKILL'));
  const { port } = await daemon.ready();
  const client = await connect({ port, ...(await readIdentity(join(directory, 'home', 'clients', 'demo'))) });
  t.teardown(() => client.close());

  const material = new Uint8Array(32).fill(7);
  const fingerprint = createHash('sha256').update(material).digest('hex');
  const kek = await create(client, 'Register', ...registeredKey(material, mask('WrapKey', 'UnwrapKey')));
  const wide = await create(
    client,
    'Register',
    ...registeredKey(new Uint8Array(32), mask('WrapKey', 'Decrypt')),
  );
  const sensitive = await create(
    client,
    'Create',
    enumerated('ObjectType', 2),
    structure(
      'Attributes',
      enumerated('CryptographicAlgorithm', aes),
      integer('CryptographicLength', 256),
      item('Sensitive', 'Boolean', true),
    ),
  );
  const run = async (...args: string[]) => {
    const command = await runKmipd(directory, 'object', ...args, ...home);
    return `${command.combinedOutput}${await command.exited()}`;
  };

  t.equal(await getWrapped(client, sensitive, kek), 'Sensitive');
  const shown = await run('show', kek);
  t.match(shown, new RegExp(`object: +${kek}\\ngroup: +default\\ntype: +SymmetricKey, AES, 256 bits\\n`));
  t.match(shown, /history: +registered; clients may know it\nrecipient: +no\n/);
  t.match(shown, new RegExp(`fingerprint: +${fingerprint}\\n`));
  t.notMatch(shown, Buffer.from(material).toString('hex'), 'never the value');
  t.match(await run('show', sensitive), /history: +made here; never left the server\n/);

  t.match(await run('trust', kek, '--fingerprint', fingerprint.replaceAll('0', '1')), /is another key/);
  t.match(await run('trust', wide), /cannot be a recipient: its usage mask allows clients more/);
  t.match(await run('trust', 'nothing'), /there is no key "nothing"/);
  t.equal(await getWrapped(client, sensitive, kek), 'Sensitive', 'nothing was marked');

  const colons = fingerprint.toUpperCase().match(/../g)?.join(':') ?? '';
  t.match(await run('trust', kek, '--fingerprint', colons), new RegExp(`^${kek} is a recipient: .*\\n0$`));
  t.equal(await getWrapped(client, sensitive, kek), 'Success', 'the daemon reads the mark at once');
  t.match(await run('show', kek), /recipient: +marked by an operator\n/);
  t.match(await run('show', sensitive), /left under keys that no client knows only/);
  t.match(await run('trust', kek, '--remove'), /is no recipient any more/);
  t.equal(await getWrapped(client, sensitive, kek), 'Sensitive');
  t.match(await run('trust', kek, '--remove'), /is not marked as recipient/);
  t.match(await run('trust', kek), new RegExp(`its fingerprint is ${fingerprint}; compare it`));
  t.equal(await getWrapped(client, sensitive, kek), 'Success', 'a script may decide by the identifier');

  const gone = await create(client, 'Register', ...registeredKey(material, text('Comment', 'a remark')));
  await client.request('2.1', [{ operation: 'Revoke', payload: [text('UniqueIdentifier', gone), reason] }]);
  await client.request('2.1', [{ operation: 'Destroy', payload: [text('UniqueIdentifier', gone)] }]);
  const attributes = () =>
    client.request('2.1', [{ operation: 'GetAttributes', payload: [text('UniqueIdentifier', gone)] }]);
  const hasComment = async () => JSON.stringify(await attributes()).includes('a remark');
  t.match(await run('purge', '--days', '1'), /^0 objects were destroyed so long ago and /);
  t.match(await run('purge', '--days', '0'), /^1 objects were .* --yes purges them for good\n0$/);
  t.ok(await hasComment());
  t.equal(
    await run('purge', '--days', '0', '--yes'),
    'purged 1 objects; identifier, type, state and dates stay\n0',
  );
  t.notOk(await hasComment(), 'the daemon reads the new row');
  // The daemon moves entries into the database in time.
  const isRecorded = async () => (await run('history', gone)).includes('  object.purge  Success  ');
  await waitUntil('the record of the purge', isRecorded);
  t.equal(
    await run('purge', '--days', '0', '--yes'),
    'purged 0 objects; identifier, type, state and dates stay\n0',
  );

  t.match(await run('trust', kek, '--remove'), /is no recipient any more/);
  writeFileSync(join(directory, 'home', 'kmipd.toml'), '[crypto]\nprotection = "kmip"\n');
  t.match(await daemon.reload(), 'configuration reloaded');
  t.equal(await getWrapped(client, sensitive, kek), 'Success', 'a reload changes crypto.protection');
});
