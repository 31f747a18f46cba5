import { spawnSync } from 'node:child_process';
import { cpSync, linkSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { KmipdProcess, mainFile, runKmipd } from '../fixture/kmipd.ts';

/** A SQLite database has one daemon, by whatever path and from whatever home it is opened. */

t.setTimeout(600_000);

const directory = t.testdir({ data: {}, 'by-directory': {}, mounted: {} });
const at = (...path: readonly string[]) => join(directory, ...path);
const database = at('data', 'kmipd.db');
const anyPort = ['--listen', '127.0.0.1:0'];

const made = await runKmipd(
  directory,
  'init',
  '--home',
  'first',
  '--store',
  'sqlite:data/kmipd.db',
  ...anyPort,
);
t.equal(await made.exited(), 0, made.combinedOutput);
// A home of its own, with the root key that the database needs.
cpSync(at('first'), at('second'), { recursive: true });

/** How the second home names the database. */
interface Path {
  readonly file: string;
  /** Creates the other name; undone by `remove`. */
  readonly make?: () => void;
  readonly remove?: () => void;
  /** The program that starts kmipd, with its first arguments. */
  readonly within?: readonly string[];
  /** The refusal of every command; undefined: only a second daemon is refused. */
  readonly refusal?: RegExp;
}

const withLink = (target: string, link: string, file: string): Path => ({
  file,
  make: () => symlinkSync(target, link),
  remove: () => rmSync(link),
});
/** Starts kmipd where `source` is mounted at `target` too. */
const mounting = (source: string, target: string) => [
  ...['unshare', '-m', 'sh', '-c', `mount --bind ${source} ${target} && exec "$@"`, 'sh'],
  ...[process.execPath, mainFile],
];

const paths: Readonly<Record<string, Path>> = {
  'the same path': { file: database },
  'a relative path': { file: 'second/../data/kmipd.db' },
  'a symbolic link to the file': withLink(database, at('link.db'), at('link.db')),
  'a symbolic link to the directory': withLink(at('data'), at('link'), at('link', 'kmipd.db')),
  'a hard link': {
    file: at('hard.db'),
    make: () => linkSync(database, at('hard.db')),
    remove: () => rmSync(at('hard.db')),
    refusal: /hard link.*find \/ -samefile \S+hard\.db/,
  },
  'a bind mount of the directory': {
    file: at('by-directory', 'kmipd.db'),
    within: mounting(at('data'), at('by-directory')),
  },
  'a bind mount of the file': {
    file: at('mounted', 'kmipd.db'),
    make: () => cpSync('/dev/null', at('mounted', 'kmipd.db')),
    within: mounting(database, at('mounted', 'kmipd.db')),
    refusal: /bind mount.*mount its directory/,
  },
};

const canMount = spawnSync('unshare', ['-m', 'true']).status === 0;
const inUse = (who: string) =>
  new RegExp(String.raw`^kmipd: the database \S+ is in use by another kmipd \(${who}\); stop .*\n$`);

type Test = Pick<typeof t, 'equal' | 'match' | 'teardown'>;

function serve(t: Test, home: string, { file, within }: Path, env = process.env): KmipdProcess {
  const args = ['serve', '--home', home, '--store', `sqlite:${file}`, ...anyPort];
  const daemon = new KmipdProcess(args, { cwd: directory, env, ...(within && { command: within }) });
  t.teardown(() => daemon.end('SIGKILL'));
  return daemon;
}

async function refused(t: Test, command: KmipdProcess, pattern: RegExp, what: string): Promise<void> {
  t.equal(await command.exited(), 1, what);
  t.match(command.errors, pattern, what);
}

let clients = 0;
for (const [name, path] of Object.entries(paths)) {
  const skip = path.within !== undefined && !canMount && 'mount namespaces need root';
  t.test(`two homes use one database, the second by ${name}`, { skip }, async (t) => {
    const first = serve(t, 'first', { file: database });
    await first.ready();
    path.make?.();
    const second = serve(t, 'second', path);
    await refused(t, second, path.refusal ?? inUse(`process ${first.pid}`), 'a second daemon');

    clients += 1;
    const client = `client${clients}`;
    const args = ['client', 'add', client, '--home', 'second', '--store', `sqlite:${path.file}`];
    const add = new KmipdProcess(args, { cwd: directory, ...(path.within && { command: path.within }) });
    if (path.refusal !== undefined) await refused(t, add, path.refusal, 'client add');
    else {
      t.equal(await add.exited(), 0, `client add beside the daemon: ${add.errors}`);
      const list = await runKmipd(directory, 'client', 'list', '--home', 'first');
      t.match(list.output, client, 'it is in the database of the daemon');
    }

    await first.end('SIGKILL');
    const next = serve(t, 'second', path);
    if (path.refusal !== undefined) await refused(t, next, path.refusal, 'a daemon alone');
    else {
      await next.ready();
      t.equal(await next.end(), 0, 'the lock of a killed daemon holds nobody up');
    }
    path.remove?.();
  });
}

t.test('a second daemon is refused after the file was renamed', async (t) => {
  const first = serve(t, 'first', { file: database });
  await first.ready();
  renameSync(database, at('data', 'renamed.db'));
  t.teardown(() => renameSync(at('data', 'renamed.db'), database));
  const second = serve(t, 'second', { file: at('data', 'renamed.db') });
  await refused(t, second, inUse(String.raw`find its process with: fuser \S+renamed\.db`), 'serve');
  await first.end('SIGKILL');
});

t.test('without the program flock, a second daemon is refused by the lock beside the file', async (t) => {
  const env = { ...process.env, PATH: at('data') };
  const first = serve(t, 'first', { file: database }, env);
  await first.ready();
  await refused(t, serve(t, 'second', { file: database }, env), inUse(`process ${first.pid}`), 'serve');
  await first.end('SIGKILL');
});

t.test('check-config refuses a database with a second name', async (t) => {
  linkSync(database, at('checked.db'));
  t.teardown(() => rmSync(at('checked.db')));
  const check = await runKmipd(directory, 'check-config', '--home', 'first');
  await refused(t, check, /hard link/, 'check-config');
});
