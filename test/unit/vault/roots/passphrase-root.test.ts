import { rmSync, statSync } from 'node:fs';
import t from 'tap';
import { context, plain } from '../vault-fixture.ts';
import { cheapPassphrase, RootFixture, secretOf } from './root-fixture.ts';

const passphrase = 'four words by chance, and a fifth';

t.test('a passphrase in a file opens the database that it has made', async (t) => {
  const fixture = new RootFixture(t);
  const file = fixture.write('passphrase', `${passphrase}\r\n`);
  const uri = `passphrase:file=${file}`;
  const vault = await fixture.open(uri);
  t.equal(vault.sealedBecause, undefined);
  const sealed = vault.seal(context, plain);
  t.match(fixture.settings.passphrase, {
    memory: 131_072,
    passes: 4,
    parallelism: 4,
    salt: /^[0-9a-f]{32}$/,
  });
  t.equal(statSync(fixture.settingsFile).mode & 0o777, 0o600);

  fixture.write('passphrase', passphrase);
  t.strictSame(
    (await fixture.open(uri)).open(context, sealed),
    plain,
    'the end of the line is no part of it',
  );
  fixture.write('pass', passphrase, 0o444);
  const credential = await fixture.open('passphrase:credential=pass');
  t.strictSame(credential.open(context, sealed), plain, 'wherever it comes from');
  fixture.write('passphrase', `${passphrase}!`);
  t.match(
    (await fixture.open(uri)).sealedBecause,
    /^the passphrase \(passphrase:file=\S+\) is wrong, or the database is encrypted under another root$/,
  );
});

t.test('what a passphrase file must not be is said in one line', async (t) => {
  const fixture = new RootFixture(t);
  const uri = `passphrase:file=${fixture.path('p')}`;
  const reason = async () => (await fixture.open(uri)).sealedBecause;
  t.match(await reason(), /^the passphrase \S+\/p is missing/);
  fixture.write('p', passphrase, 0o640);
  t.match(await reason(), /^the passphrase \S+\/p has mode 0640, others can read it: chmod 600 it$/);
  rmSync(fixture.path('p'));
  for (const text of ['', '\n', 'two\nlines of a passphrase', 'x'.repeat(1_025), 'x'.repeat(100_000)]) {
    fixture.write('p', text);
    t.match(await reason(), /\/p (does not hold a passphrase, |is not )one line of at most 1024 bytes$/);
  }
  fixture.write('p', 'fifteen letters');
  t.match(await reason(), /^the passphrase has 15 bytes, and at least 16 are needed/);
  t.equal(fixture.keyrings.stored, undefined, 'nothing was made');
  t.match(
    (await fixture.open('passphrase:credential=p', { credentialsDirectory: undefined })).sealedBecause,
    /^there is no credential p: \$CREDENTIALS_DIRECTORY is not set/,
  );
});

t.test('edited parameters neither make a passphrase cheap nor stop the machine', async (t) => {
  const fixture = new RootFixture(t);
  const uri = `passphrase:file=${fixture.write('p', passphrase)}`;
  fixture.write('root-settings.json', JSON.stringify({ passphrase: cheapPassphrase }));
  t.equal((await fixture.open(uri)).sealedBecause, undefined);
  const edits: [object, RegExp][] = [
    [
      { memory: 65_535 },
      /states memory of argon2id outside of 65536 to 1048576: restore it from its backup$/,
    ],
    [{ memory: 2 ** 40 }, /states memory/],
    [{ memory: '65536' }, /states memory/],
    [{ passes: 2 }, /states passes/],
    [{ passes: 1e9 }, /states passes/],
    [{ parallelism: 0 }, /states parallelism/],
    [{ parallelism: 17 }, /states parallelism/],
    [{ salt: '' }, /has no salt of 16 bytes/],
    [{ salt: '00'.repeat(17) }, /has no salt of 16 bytes/],
    [{ salt: '11'.repeat(16) }, /is wrong, or the database/],
    [{ passes: 4 }, /is wrong, or the database/],
  ];
  for (const [edit, expected] of edits) {
    fixture.write('root-settings.json', JSON.stringify({ passphrase: { ...cheapPassphrase, ...edit } }));
    t.match((await fixture.open(uri)).sealedBecause, expected, JSON.stringify(edit));
  }
  for (const text of ['{', '[]', 'null', '{"passphrase":null}', '{"shares":null}', '{"shares":{"set":5}}']) {
    fixture.write('root-settings.json', text);
    t.match((await fixture.open(uri)).sealedBecause, /root-settings\.json (is damaged|has )/, text);
  }
  rmSync(fixture.settingsFile);
  t.match(
    (await fixture.open(uri)).sealedBecause,
    /root-settings\.json is missing, or has no salt, without which the passphrase opens nothing/,
  );
});

t.test('an operator types the passphrase, three times at most, or gives it later', async (t) => {
  const fixture = new RootFixture(t);
  fixture.write('root-settings.json', JSON.stringify({ passphrase: cheapPassphrase }));
  const asked: boolean[] = [];
  const answering = (...answers: string[]) => ({
    askPassphrase: async (isNew: boolean) => {
      asked.push(isNew);
      return secretOf(answers.shift() ?? 'none is left');
    },
  });
  const first = await fixture.open('passphrase:', answering(passphrase));
  t.strictSame(asked.splice(0), [true]);
  t.equal(await first.rotate(), 2, 'without asking again');
  t.strictSame(asked, []);
  const sealed = first.seal(context, plain);

  const second = await fixture.open('passphrase:', answering('no', 'neither', passphrase));
  t.strictSame(asked.splice(0), [false, false, false]);
  t.strictSame(second.open(context, sealed), plain);
  const third = await fixture.open('passphrase:', answering('1', '2', '3', passphrase));
  t.equal(asked.splice(0).length, 3);
  t.equal(third.unsealed, false);

  const events: string[] = [];
  const sealing = {
    sealed: (reason: string) => events.push(reason),
    unsealed: () => events.push('unsealed'),
  };
  const fourth = await fixture.open('passphrase:', {}, { sealing });
  t.strictSame(events, ['its passphrase has not been given: kmipd vault unseal']);
  await t.rejects(fourth.unseal(secretOf('a wrong passphrase')), /^.*the passphrase .* is wrong/);
  await t.rejects(fourth.unseal(secretOf('')), /does not hold a passphrase/);
  await t.rejects(fourth.unseal(secretOf('kmipd-share:a share')), /nothing of the kind unseals the vault/);
  t.same(await fourth.unseal(secretOf(`${passphrase}\n`)), { given: 1, needed: 1 });
  t.strictSame(fourth.open(context, sealed), plain);
  t.equal(events.at(-1), 'unsealed');
  await t.rejects(fourth.unseal(secretOf(passphrase)), /is unsealed already/);
  await first.rotate();
  await fourth.refresh();
  t.equal(fourth.status().generation, 3, 'epochs of others come without the operator');
});
