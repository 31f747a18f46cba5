import { existsSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { Create } from '../../../src/operations/creation/create.ts';
import { CreateKeyPair } from '../../../src/operations/creation/create-key-pair.ts';
import { Encrypt } from '../../../src/operations/cryptography/encrypt.ts';
import { outcome, succeed } from '../../protocol/operations/ask.ts';
import { hardware, keyAttributes, keysInToken, openKeyHome, over } from './key-home.ts';
import { missing, SoftToken } from './soft-token.ts';

/** What operators see of keys in a token, and what they are told of a configuration that is wrong. */

t.setTimeout(300_000);

const Data = new TextEncoder().encode('a text');
const request = {
  ObjectType: 'SymmetricKey',
  Attributes: keyAttributes('AES', 256, 'Encrypt'),
  ProtectionStorageMasks: hardware,
};

t.test('pairs that are made leave a process to other calls', { skip: missing }, async (t) => {
  const token = new SoftToken(t);
  const home = await openKeyHome(t, token, { processes: '2' });
  await home.start();
  const makers = await Promise.all([home.connect(), home.connect()]);
  const client = await home.connect();
  const { UniqueIdentifier } = await succeed(over(client), '2.1', Create, request);
  token.setFaults('C_GenerateKeyPair wait');
  const pair = {
    CommonAttributes: keyAttributes('RSA', 2_048, 'Sign'),
    PrivateProtectionStorageMasks: hardware,
  };
  const made = makers.map((maker) => outcome(over(maker), '2.1', CreateKeyPair, pair));
  while (!existsSync(token.path('faults.waiting'))) await sleep(20);
  for (let at = 0; at < 3; at++)
    t.equal(await outcome(over(client), '2.1', Encrypt, { UniqueIdentifier, Data }), 'Success');
  rmSync(token.path('faults'));
  t.strictSame(await Promise.all(made), ['Success', 'Success']);
  await Promise.all([...makers, client].map((each) => each.close()));
  await home.end();
});

t.test('vault token keys', { skip: missing }, async (t) => {
  const token = new SoftToken(t);
  const home = await openKeyHome(t, token);
  const list = async () => {
    const { code, output } = await home.kmipd('vault', 'token', 'keys', '--json');
    t.equal(code, 0, output);
    return JSON.parse(output);
  };
  await home.start();
  const client = await home.connect();
  const made = await Promise.all(
    Array.from({ length: 3 }, () => succeed(over(client), '2.1', Create, request)),
  );
  const ids = made.map(({ UniqueIdentifier }) => UniqueIdentifier).sort();
  const objectsOf = (keys: readonly { object: string }[]) => keys.map(({ object }) => object).sort();

  await t.test('finds every key at its object, with a daemon and without', async (t) => {
    const served = await list();
    t.strictSame(objectsOf(served.present), ids);
    t.strictSame([served.lost, served.orphans, served.released, served.broken], [[], [], [], []]);
    t.equal(served.hidden, 0);
    await client.close();
    await home.end();
    t.strictSame(await list(), served);
  });

  await t.test('names an object whose key is gone from the token', async (t) => {
    const { present } = await list();
    const [{ object, reference }] = present;
    token.run(
      'pkcs11-tool',
      ...token.pkcs11Arguments,
      '--delete-object',
      '--type',
      'secrkey',
      '--id',
      reference.id,
    );
    const { lost } = await list();
    t.strictSame(objectsOf(lost), [object]);
    const { output } = await home.kmipd('vault', 'token', 'keys');
    t.match(output, /^2 objects have their keys in the token, 1 have lost them; 0 keys belong to no object/);
    t.match(output, new RegExp(`^lost +${reference.id} +${object} `, 'm'));
    const daemon = await home.start();
    const reader = await home.connect();
    t.equal(
      await outcome(over(reader), '2.1', Encrypt, { UniqueIdentifier: object, Data }),
      'GeneralFailure',
    );
    await daemon.waitForOutput(new RegExp(`the key ${reference.id} of an object is not in the token`));
    await reader.close();
    await home.end();
  });

  await t.test('removes keys that belong to no object, and no others', async (t) => {
    const { present } = await list();
    const [{ reference }] = present;
    const label = 'kmipd 0123456789abcdef 1600000000';
    token.run(
      ...(['pkcs11-tool', ...token.pkcs11Arguments, '--keygen', '--key-type', 'aes:32'] as const),
      ...['--label', label, '--id', 'f'.repeat(32), '--sensitive'],
    );
    const others = await list();
    t.strictSame(others.orphans, [], 'a key of another database is none of its orphans');
    const ownLabel = labelOf(token, reference.id).replace(/\d+$/, '1600000000');
    token.run(
      ...(['pkcs11-tool', ...token.pkcs11Arguments, '--keygen', '--key-type', 'aes:32'] as const),
      ...['--label', ownLabel, '--id', 'e'.repeat(32), '--sensitive'],
    );
    const { orphans } = await list();
    t.match(orphans, [{ reference: { id: 'e'.repeat(32) } }]);
    const removed = await home.kmipd('vault', 'token', 'keys', '--remove-orphans');
    t.match(removed, { code: 0, output: /removed 1 keys of no object from the token/ });
    const left = keysInToken(token);
    t.notOk(left.includes('e'.repeat(32)));
    t.ok(left.includes('f'.repeat(32)) && left.includes(reference.id));
  });

  await t.test('a wrong PIN, another token, or none', async (t) => {
    token.writePin('00000000');
    t.match(await home.kmipd('vault', 'token', 'keys'), {
      code: 1,
      output: /C_Login returned CKR_PIN_INCORRECT/,
    });
    const logins = token.logins.length;
    t.match(await home.kmipd('vault', 'token', 'keys'), { code: 1, output: /no login is tried again/ });
    t.equal(token.logins.length, logins, 'one login costs a wrong PIN');
  });

  const wrong = [
    [JSON.stringify('file:x'), /"tokenKeys.token" must begin with "pkcs11:"/],
    [
      JSON.stringify('pkcs11:token=a'),
      /"tokenKeys.token": this URI of a token cannot be used: it names no library/,
    ],
    [
      JSON.stringify(token.uriText(';object=root')),
      /"tokenKeys.token": leave out object, id and type: kmipd makes the keys and names them itself/,
    ],
  ] as const;
  for (const [uri, message] of wrong)
    await t.test(`a start with ${uri.slice(0, 20)}`, async (t) => {
      home.configure('token', uri);
      const daemon = home.serve();
      t.equal(await daemon.exited(), 1);
      t.match(daemon.combinedOutput, message);
    });
});

function labelOf(token: SoftToken, id: string): string {
  const listed = token.run('pkcs11-tool', ...token.pkcs11Arguments, '-O').split(/^(?=\S)/m);
  const own = listed.find((object) => object.includes(id));
  return /label:\s+(kmipd \S+ \d+)/.exec(own ?? '')?.[1] ?? '';
}
