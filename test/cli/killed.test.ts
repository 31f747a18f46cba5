import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, watch } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { mainFile } from '../fixture/kmipd.ts';

/** A command that was killed after any of its files leaves nothing that its repetition refuses. */

t.setTimeout(600_000);

const home = t.testdir();
const run = (...args: readonly string[]) =>
  spawnSync(process.execPath, [mainFile, ...args], { cwd: home, encoding: 'utf8' });
t.equal(run('init', '--home', 'ready', '--listen', '127.0.0.1:0').status, 0, 'init');

/** Runs a command and kills it as soon as the file is in the directory; resolves to whether it was killed. */
async function killAt(directory: string, file: string, args: readonly string[]): Promise<boolean> {
  const child = spawn(process.execPath, [mainFile, ...args], { cwd: home, stdio: 'ignore' });
  const watcher = watch(directory, () => {
    if (existsSync(join(directory, file))) child.kill('SIGKILL');
  });
  const [, signal] = await once(child, 'exit');
  watcher.close();
  return signal === 'SIGKILL';
}

const files = [
  'enrolment-unfinished',
  'ca.pem',
  'cert.pem',
  'key.pem',
  'client.pem',
  'client.p12',
  'client.p12.password',
];

t.test('client add is repeated after a kill at each of its files', async (t) => {
  let kills = 0;
  for (const [number, file] of files.entries()) {
    const name = `client${number}`;
    const out = join(home, name);
    mkdirSync(out);
    const args = ['client', 'add', name, '--home', 'ready', '--out', name];
    const isKilled = await killAt(out, file, args);
    if (isKilled) kills += 1;
    const { status, stderr } = run(...args);
    const isEnrolled = /is enrolled already/.test(stderr);
    t.ok(status === 0 || isEnrolled, `${file}, ${isKilled ? 'killed' : 'too late'}: ${stderr}`);
    t.same(
      files.filter((each) => !existsSync(join(out, each))).slice(isEnrolled ? 1 : 0),
      isEnrolled ? [] : [files[0]],
      file,
    );
    t.same(
      readdirSync(out).filter((each) => each.includes('tmp')),
      [],
      `${file}: nothing temporary`,
    );
  }
  t.ok(kills > 0, `${kills} of ${files.length} were killed before they ended`);
});

t.test('the key of an enrolled client is not overwritten', (t) => {
  const { status, stderr } = run('client', 'add', 'another', '--home', 'ready', '--out', 'client0');
  t.equal(status, 1);
  t.match(stderr, /key\.pem exists already/);
  t.end();
});
