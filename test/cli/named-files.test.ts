import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Boot } from '../../src/cli/commands/serve.ts';
import { run } from '../../src/cli/run.ts';
import { boot } from '../../src/daemon/daemon.ts';
import { inspect } from '../../src/daemon/inspection.ts';
import { KmipdProcess, mainFile } from '../fixture/kmipd.ts';
import { capture } from './snapshots.ts';
import { tryDestroy } from './try-destroy.ts';

/**
 * What stands at a path that an operator names is read only if it is a regular file of bounded size. A read
 * that waits for a FIFO does not return, and ends a test by its time.
 */

t.setTimeout(900_000);
// Each start listens for signals.
process.setMaxListeners(0);

const directory = t.testdir();
const mayReadAll = process.getuid?.() === 0;

/** What may stand in place of a file, and what is said of it. */
const contents: Readonly<Record<string, { put: (file: string) => void; reason: RegExp; skip?: boolean }>> = {
  'a directory': { put: (file) => mkdirSync(file), reason: /this is a directory, not a file; name a/ },
  'a FIFO': {
    put: (file) => execFileSync('mkfifo', [file]),
    reason: /this is a FIFO, not a file; name a regular file instead/,
  },
  'a device': {
    put: (file) => symlinkSync('/dev/zero', file),
    reason: /this is a device, not a file; name a regular file instead/,
  },
  'too many bytes': {
    put(file) {
      writeFileSync(file, '');
      truncateSync(file, 300 * 1024 * 1024);
    },
    reason: /this has more than the \d+ bytes allowed for [a-z ]+; is it the right file\?/,
  },
  nothing: { put: () => {}, reason: /is missing|there is no such file/ },
  'a file of another user': {
    put(file) {
      writeFileSync(file, 'x');
      chmodSync(file, 0);
    },
    reason: /permission denied; run kmipd as the user who owns it/,
    skip: mayReadAll,
  },
};

const home = join(directory, 'home');
const daemonModules = {
  inspect,
  boot: (options: Parameters<Boot>[0]) => boot({ ...options, version: '0' }),
};
/** Runs a command in this process. */
const kmipd = (...args: readonly string[]) => capture(() => run(args, '0', daemonModules));
const initialised = await kmipd('init', '--home', home);
t.equal(initialised.code, 0, initialised.output);
const listen = 'listen = "127.0.0.1:0"\n';
const postgres =
  (parameter: string, more = '') =>
  (file: string) =>
    `store = "postgres://u@127.0.0.1:1/d?sslmode=require&${parameter}=${encodeURIComponent(file)}${more}"\n`;

/** A file that the daemon reads. */
interface DaemonFile {
  /** Its path in the home. */
  readonly path: string;
  /** The lines of the configuration that name it, where it is not one of the home. */
  readonly config?: (file: string) => string;
  /** Contents of which check-config, or the start, says something else or nothing. */
  readonly checkDiffers?: readonly string[];
  readonly startDiffers?: readonly string[];
  /** Whether a reload reads it. */
  readonly isReloaded?: true;
}

const all = Object.keys(contents);
const daemonFiles: Readonly<Record<string, DaemonFile>> = {
  'kmipd.toml': { path: 'kmipd.toml', isReloaded: true },
  'tls.certificate': {
    path: 'named',
    config: (file) => `[tls]\ncertificate = "${file}"\n`,
    // It is issued.
    checkDiffers: ['nothing'],
    startDiffers: ['nothing'],
    isReloaded: true,
  },
  'tls.key': { path: 'named', config: (file) => `[tls]\nkey = "${file}"\n`, isReloaded: true },
  'tls.authorities': {
    path: 'named',
    config: (file) => `[tls]\nauthorities = ["${file}"]\n`,
    isReloaded: true,
  },
  'the certificate of the authority': { path: 'ca/ca.pem', isReloaded: true },
  // The daemon needs it only to issue its own certificate.
  'the key of the authority': { path: 'ca/ca.key', checkDiffers: ['nothing'], startDiffers: all },
  // Without it the daemon starts sealed. A file of any length is refused by its mode.
  'the root key': {
    path: 'root.key',
    checkDiffers: ['nothing', 'too many bytes', 'a file of another user'],
    startDiffers: all,
  },
  'a database of SQLite': {
    path: 'named',
    config: (file) => `store = "sqlite:${file}"\n`,
    checkDiffers: ['too many bytes', 'a file of another user'],
    startDiffers: ['too many bytes'],
  },
  sslrootcert: { path: 'named', config: postgres('sslrootcert') },
  sslcert: { path: 'named', config: postgres('sslcert') },
  // A key is read for a certificate only.
  sslkey: { path: 'named', config: postgres('sslkey', `&sslcert=${join(home, 'ca/ca.pem')}`) },
};

/** Every file with everything that may stand in its place. */
const cases = Object.entries(daemonFiles).flatMap(([name, file]) =>
  Object.entries(contents)
    .filter(([, { skip }]) => skip !== true)
    .map(([what, content]) => ({ name, what, file, content })),
);

/** Writes the configuration that names the file of a home, and puts something in the place of the file. */
function spoil(at: string, { file, content }: (typeof cases)[number], sections = ''): string {
  const path = join(at, file.path);
  writeFileSync(join(at, 'kmipd.toml'), `${listen}${file.config?.(path) ?? ''}${sections}`);
  rmSync(path, { recursive: true, force: true });
  content.put(path);
  return path;
}

/** Removes what `spoil` has put there. */
function restore(at: string): void {
  rmSync(at, { recursive: true, force: true });
  cpSync(home, at, { recursive: true });
}

const linesOf = (text: string) => text.split('\n').filter((line) => line !== '');

t.test('check-config names the file, what stands there, and what to do', async (t) => {
  const at = join(directory, 'checked');
  for (const each of cases) {
    if (each.file.checkDiffers?.includes(each.what)) continue;
    restore(at);
    const path = spoil(at, each);
    const { code, output } = await kmipd('check-config', '--home', at);
    const title = `${each.name}: ${each.what}`;
    t.equal(code, 1, title);
    const found = linesOf(output).filter((line) => line.includes(path) && each.content.reason.test(line));
    t.ok(found.length > 0, `${title}: ${output}`);
  }
});

t.test('serve ends with one line that names the file, what stands there, and what to do', async (t) => {
  const at = join(directory, 'started');
  for (const each of cases) {
    if (each.file.startDiffers?.includes(each.what)) continue;
    restore(at);
    const path = spoil(at, each);
    const { code, output } = await kmipd('serve', '--home', at);
    const title = `${each.name}: ${each.what}`;
    t.equal(code, 1, title);
    t.equal(linesOf(output).length, 1, `${title}: ${output}`);
    t.ok(output.includes(path), title);
    t.match(output, each.content.reason, title);
  }
});

t.test('the daemon starts sealed when no file is the root key', async (t) => {
  const at = join(directory, 'sealed');
  for (const what of ['a directory', 'a FIFO', 'a device']) {
    restore(at);
    const found = cases.find((each) => each.name === 'the root key' && each.what === what);
    if (found === undefined) throw new Error(what);
    spoil(at, found);
    const daemon = new KmipdProcess(['serve', '--home', at]);
    t.teardown(() => daemon.end('SIGKILL'));
    await daemon.sealed();
    await daemon.waitForOutput(found.content.reason);
    t.equal(await daemon.end(), 0, what);
  }
});

t.test('a reload refuses such a file, and the daemon goes on as before', async (t) => {
  const at = join(directory, 'reloaded');
  restore(at);
  const permitting = '[roles]\nlab = ["Get", "Destroy"]\n';
  writeFileSync(join(at, 'kmipd.toml'), `${listen}${permitting}`);
  const client = join(directory, 'client');
  const added = await kmipd('client', 'add', 'lab', '--home', at, '--role', 'lab', '--out', client);
  t.equal(added.code, 0, added.output);
  const daemon = new KmipdProcess(['serve', '--home', at]);
  t.teardown(() => daemon.end('SIGKILL'));
  const { port } = await daemon.ready();
  const original = readFileSync(join(at, 'ca', 'ca.pem'));
  for (const each of cases) {
    if (!each.file.isReloaded || each.file.startDiffers?.includes(each.what)) continue;
    const title = `${each.name}: ${each.what}`;
    const path = spoil(at, each, '[roles]\nlab = ["Get"]\n');
    const line = await daemon.reload();
    t.match(line, 'the reload failed; the former configuration stays in force', title);
    t.ok(line.includes(path), `${title}: ${line}`);
    t.match(line, each.content.reason, title);
    t.equal(await tryDestroy(port, client), 'permitted', `${title}: the former role is in force`);
    rmSync(path, { recursive: true, force: true });
    writeFileSync(join(at, 'ca', 'ca.pem'), original);
  }
  writeFileSync(join(at, 'kmipd.toml'), `${listen}[roles]\nlab = ["Get"]\n`);
  t.match(await daemon.reload(), 'configuration reloaded');
  t.equal(await tryDestroy(port, client), 'not permitted');
});

/** The commands that read a file which the command line names. */
const commands: Readonly<Record<string, (file: string) => readonly string[]>> = {
  'client add --cert': (file) => ['client', 'add', 'x', '--home', home, '--cert', file],
  'client add --csr': (file) => ['client', 'add', 'x', '--home', home, '--csr', file],
  'client add --p12-password': (file) => ['client', 'add', 'x', '--home', home, '--p12-password', file],
  'client credential add --password-file': (file) => [
    ...['client', 'credential', 'add', 'demo', '--home', home],
    ...['--username', 'u', '--password-file', file],
  ],
  decode: (file) => ['decode', file],
  'check-config FILE': (file) => ['check-config', file],
};

for (const [name, argsFor] of Object.entries(commands))
  t.test(`${name} names the file, what stands there, and what to do`, async (t) => {
    const file = join(directory, 'argument');
    for (const [what, { put, reason, skip }] of Object.entries(contents)) {
      // decode takes hex digits too.
      if (skip || (name === 'decode' && what === 'nothing')) continue;
      rmSync(file, { recursive: true, force: true });
      put(file);
      const { code, output } = await kmipd(...argsFor(file));
      t.equal(code, 1, what);
      t.equal(linesOf(output).length, 1, `${what}: ${output}`);
      t.ok(output.startsWith(`kmipd: ${file}: `), `${what}: ${output}`);
      t.match(output, reason, what);
    }
  });

t.test('pipes that the shell passes are read, up to the same bound', async (t) => {
  const shell = (script: string) =>
    spawnSync('sh', ['-c', script, process.execPath, mainFile], { encoding: 'utf8', cwd: directory });
  const password = shell('echo a password | "$0" "$1" client add p --home home --p12-password /dev/stdin');
  t.equal(password.status, 0, password.stderr);
  const message = '42007801000000';
  for (const input of ['-', '/dev/stdin', '/dev/fd/0'])
    t.match(shell(`echo ${message}0 | "$0" "$1" decode ${input}`).stderr, /^kmipd: (?!.*not a file)/, input);
  for (const [command, input] of [
    ['decode -', 'the standard input'],
    ['decode /dev/stdin', '/dev/stdin'],
    ['client add x --home home --cert /dev/fd/0', '/dev/fd/0'],
    ['client credential add demo --home home --username u', 'the standard input'],
  ] as const) {
    const { status, stderr } = shell(`yes 42 | "$0" "$1" ${command}`);
    t.equal(status, 1, command);
    t.match(stderr, new RegExp(`^kmipd: ${input}: this has more than the \\d+ bytes allowed`), command);
  }
});
