import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import t, { type Test } from 'tap';
import { enumerated, integer, structure, text } from '../client.ts';
import { Daemon } from '../fixture/daemon.ts';
import { runKmipd } from '../fixture/kmipd.ts';

t.setTimeout(300_000);

/** The commands `kmipd audit`, beside a daemon and without one. */

async function prepare(t: Pick<Test, 'teardown'>): Promise<Daemon> {
  const daemon = await Daemon.prepare();
  t.teardown(() => daemon.remove());
  return daemon;
}

const attribute = (name: string, value: ReturnType<typeof text>) =>
  structure('Attribute', text('AttributeName', name), value);
const template = structure(
  'TemplateAttribute',
  attribute('Cryptographic Algorithm', enumerated('AttributeValue', 3)),
  attribute('Cryptographic Length', integer('AttributeValue', 128)),
  attribute('Cryptographic Usage Mask', integer('AttributeValue', 12)),
);

async function create(daemon: Daemon, count: number): Promise<void> {
  const client = await daemon.connect();
  for (let at = 0; at < count; at += 1)
    await client.request('1.4', [{ operation: 'Create', payload: [enumerated('ObjectType', 2), template] }]);
  await client.close();
}

async function run(...args: readonly string[]) {
  const process = await runKmipd('.', ...args);
  return { code: await process.exited(), output: process.combinedOutput };
}

const audit = (daemon: Daemon, ...args: readonly string[]) => run('audit', ...args, '--home', daemon.home);

function alter(daemon: Daemon, ...statements: readonly string[]): void {
  const database = new DatabaseSync(daemon.database);
  for (const sql of statements) database.exec(sql);
  database.close();
}

const complete =
  /(\d) chains with (\d+) entries in (\d+) blocks: all as kmipd has written them, and none is missing; the newest of (\d+) checkpoints that agrees is of \S+Z\n$/;

t.test('the log is verified beside the daemon that writes it, and when it is down', async (t) => {
  const daemon = await prepare(t);
  await daemon.start();
  const [writing, ...reports] = await Promise.all([
    create(daemon, 300),
    ...Array.from({ length: 2 }, () => audit(daemon, 'verify')),
  ]);
  t.equal(writing, undefined);
  for (const report of reports) t.match(report, { code: 0, output: complete });
  t.equal(await daemon.end(), 0);
  const { code, output } = await audit(daemon, 'verify');
  t.equal(code, 0);
  t.ok(Number(complete.exec(output)?.[2]) >= 302, output);
  for (const isUp of [false, true]) {
    if (isUp) await daemon.start();
    alter(
      daemon,
      'create table kept as select * from audit_block where seq = 3',
      'delete from audit_block where seq = 3',
    );
    const missing = await audit(daemon, 'verify');
    t.equal(missing.code, 1);
    t.match(missing.output, /^kmipd: chain [0-9a-f]{32}: entr\S+ .* missing in front of row 4$/m);
    t.match(
      missing.output,
      /^kmipd: \d chains with \d+ entries in \d+ blocks were read; 1 problems were found$/m,
    );
    alter(daemon, 'insert into audit_block select * from kept', 'drop table kept');
    t.match(await audit(daemon, 'verify'), { code: 0, output: complete });
  }
});

t.test('an export is verified without the home, and every change of it is found', async (t) => {
  const daemon = await prepare(t);
  await daemon.start();
  await create(daemon, 30);
  const file = join(daemon.home, 'log.jsonl');
  t.match(await audit(daemon, 'export', file), { code: 0, output: / of \d+ blocks of the audit log\n$/ });
  t.match(
    await audit(daemon, 'verify', '--export', file),
    { code: 0, output: complete },
    'while the daemon runs',
  );
  t.equal(await daemon.end(), 0);
  t.equal((await audit(daemon, 'export', file)).code, 0);
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.notOk(existsSync(`${file}.new`));
  const [, fingerprint = ''] =
    /^first key, since \S+: (\S+)$/m.exec((await audit(daemon, 'key')).output) ?? [];
  const elsewhere = ['audit', 'verify', '--home', join(daemon.home, 'none'), '--export', file];
  t.match(await run(...elsewhere), {
    code: 1,
    output: new RegExp(`if it is yours: --trust ${fingerprint}\n`),
  });
  const trusting = [...elsewhere, '--trust', fingerprint];
  t.match(await run(...trusting), { code: 0, output: complete });
  t.match(await run(...elsewhere, '--trust', 'x'), { code: 2, output: /64 hexadecimal digits/ });
  const lines = readFileSync(file, 'utf8').split('\n');
  const at = (kind: string) => lines.findIndex((line) => line.startsWith(`{"kind":"${kind}"`));
  const [block, entry, lane] = [at('block'), at('entry'), at('lane')];
  const changed = {
    'an entry altered': lines.with(
      entry,
      lines[entry]?.replace('"time', '"tIme').replace('\\"time', '\\"tIme') ?? '',
    ),
    'a salt altered': lines.with(
      entry,
      lines[entry]?.replace(/(?<="salt":").{32}/, (salt) => [...salt].toReversed().join('')) ?? '',
    ),
    'a block deleted': lines.toSpliced(block, 2),
    'an entry deleted': lines.toSpliced(entry, 1),
    'a block again': lines.toSpliced(block + 2, 0, lines[block] ?? '', lines[entry] ?? ''),
    'another number': lines.with(block, lines[block]?.replace('"first":0', '"first":1') ?? ''),
    'a lane altered': lines.with(lane, lines[lane]?.replace(/"entries":\d+/, '"entries":7') ?? ''),
    'a lane deleted': lines.toSpliced(lane, 1),
    'the end cut off': lines.slice(0, -4),
    'a line that is none': lines.toSpliced(block, 0, 'x'),
  };
  const altered = join(daemon.home, 'altered.jsonl');
  for (const [what, some] of Object.entries(changed)) {
    writeFileSync(altered, some.join('\n'));
    const found = await run(...trusting.with(trusting.indexOf(file), altered));
    t.equal(found.code, 1, what);
  }
});

t.test('a part of the log is exported by time', async (t) => {
  const daemon = await prepare(t);
  await daemon.start();
  await create(daemon, 3);
  t.equal(await daemon.end(), 0);
  const between = new Date().toISOString();
  await daemon.start();
  await create(daemon, 3);
  t.equal(await daemon.end(), 0);
  const counts: number[] = [];
  for (const bounds of [[], ['--since', between], ['--until', between], ['--since', '2100-01-01']]) {
    const file = join(daemon.home, 'part.jsonl');
    const exported = await audit(daemon, 'export', file, ...bounds);
    t.equal(exported.code, 0);
    counts.push(Number(/ (\d+) of \d+ blocks/.exec(exported.output)?.[1]));
    const verified = await audit(daemon, 'verify', '--export', file);
    t.match(verified, { code: 0 }, bounds.join(' '));
    t.equal(verified.output.startsWith('the export is a part of the log: '), bounds.length > 0);
    const lines = readFileSync(file, 'utf8').split('\n');
    const block = lines.findIndex((line) => line.startsWith('{"kind":"block"'));
    if (block === -1) continue;
    writeFileSync(file, lines.toSpliced(block, 2).join('\n'));
    t.equal((await audit(daemon, 'verify', '--export', file)).code, 1, 'without a block');
  }
  const [all = 0, since = 0, until = 0, none] = counts;
  t.ok(since > 2 && until > 2);
  t.equal(since + until, all);
  t.equal(none, 0);
  for (const wrong of ['yesterday', '2026-11-29T10:00', '2026-13-01'])
    t.match(await audit(daemon, 'export', 'x', '--since', wrong), {
      code: 2,
      output: /--since must be a day/,
    });
});

t.test('a lost key is reported until it is trusted', async (t) => {
  const daemon = await prepare(t);
  t.match(await audit(daemon, 'key'), { code: 1, output: /no checkpoint was signed/ });
  await daemon.start();
  await create(daemon, 1);
  t.equal(await daemon.end(), 0);
  rmSync(join(daemon.home, 'audit', 'signing-key'));
  await daemon.start();
  await create(daemon, 1);
  t.equal(await daemon.end(), 0);
  t.match(daemon.output, /a new chain of signing keys has begun/);
  const { output } = await audit(daemon, 'key');
  const [, second = ''] = [...output.matchAll(/^first key, since \S+: (\S+)$/gm)].map(([, found]) => found);
  const reported = await audit(daemon, 'verify');
  t.equal(reported.code, 1);
  t.match(
    reported.output,
    new RegExp(`^kmipd: node \\S+: a new chain of signing keys begins with ${second}`, 'm'),
  );
  t.match(await audit(daemon, 'verify', '--trust', second), { code: 0, output: complete });
});

t.test('checkpoints that were kept find a database that was put back with the home', async (t) => {
  const daemon = await prepare(t);
  await daemon.start();
  await create(daemon, 2);
  t.equal(await daemon.end(), 0);
  alter(daemon, 'pragma wal_checkpoint(truncate)');
  const names = ['kmipd.db', 'anchor', 'anchor-command', join('audit', 'checkpoints')];
  for (const name of names) copyFileSync(join(daemon.home, name), join(daemon.home, `${name}.kept`));
  await daemon.start();
  await create(daemon, 2);
  t.equal(await daemon.end(), 0);
  const kept = join(daemon.home, 'exported-checkpoints');
  copyFileSync(join(daemon.home, 'audit', 'checkpoints'), kept);
  for (const name of readdirSync(daemon.home).filter((each) => /^kmipd\.db-/.test(each)))
    rmSync(join(daemon.home, name));
  for (const name of names) copyFileSync(join(daemon.home, `${name}.kept`), join(daemon.home, name));
  t.match(await audit(daemon, 'verify'), { code: 0 }, 'the home agrees with its database');
  t.match(await audit(daemon, 'verify', '--checkpoints', kept), {
    code: 1,
    output: /its end is missing, or the database was put back\n/,
  });
});

t.test('a database that was put back and accepted goes on with checkpoints of its own', async (t) => {
  const daemon = await prepare(t);
  await daemon.start();
  await create(daemon, 2);
  t.equal(await daemon.end(), 0);
  alter(daemon, 'pragma wal_checkpoint(truncate)');
  copyFileSync(daemon.database, join(daemon.home, 'kept'));
  await daemon.start();
  await create(daemon, 2);
  t.equal(await daemon.end(), 0);
  for (const name of readdirSync(daemon.home).filter((each) => /^kmipd\.db-/.test(each)))
    rmSync(join(daemon.home, name));
  copyFileSync(join(daemon.home, 'kept'), daemon.database);
  t.match(
    (await audit(daemon, 'verify')).output,
    /of table lane is at commit \d+; it was at commit \d+\n(.|\n)*put back\n/,
  );
  const accepted = await run('vault', 'accept', '--yes', '--home', daemon.home);
  t.equal(accepted.code, 0);
  t.match(accepted.output, /checkpoints of the audit log disagree .* were set aside: \S+before-accept\n/);
  await daemon.start();
  await create(daemon, 1);
  t.equal(await daemon.end(), 0);
  t.match(await audit(daemon, 'verify'), { code: 0, output: complete });
  const aside = join(daemon.home, 'audit', 'checkpoints.before-accept');
  t.equal(
    (await audit(daemon, 'verify', '--checkpoints', aside)).code,
    1,
    'the lost entries are still shown',
  );
});

t.test('the signing key outlives the epochs of the vault', async (t) => {
  const daemon = await Daemon.prepare({ config: '[vault]\nactivationSeconds = 0\n' });
  t.teardown(() => daemon.remove());
  await daemon.start();
  for (const step of ['rotate', 'rewrap', 'retire']) {
    const { code, output } = await run('vault', step, '--home', daemon.home);
    t.equal(code, 0, `${step}: ${output}`);
  }
  t.equal(await daemon.end(), 0);
  await daemon.start();
  t.equal(await daemon.end(), 0);
  t.notMatch(daemon.output, /new chain of signing keys/);
  t.equal((await audit(daemon, 'key')).output.match(/^first key/gm)?.length, 1);
});
