import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { importsOf, pathsOfFolders, readTree, withoutComments } from './source.ts';

function write(folder: string, ...paths: readonly string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), path);
  }
}

const stray = ['vcenter01/key.pem', 'vcenter01/bad.ts', 'var/store.db', 'notes.txt', 'src/a.log'];

t.test('the tree is what git tracks, and new files in the folders of the repository', async (t) => {
  const folder = t.testdir({ '.gitignore': 'var/\n*.log\n' });
  write(folder, 'README.md', 'src/a.ts', 'docs/x.png', 'src/deleted.ts', 'odd/tracked.md');
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, stdio: 'ignore' });
  try {
    git('init');
    git('add', '.');
  } catch {
    t.pass('no git here');
    return;
  }
  execFileSync(process.execPath, ['-e', `fs.rmSync('src/deleted.ts')`], { cwd: folder });
  write(folder, 'src/new.ts', ...stray);
  const paths = readTree(folder).map(({ path }) => path);
  t.same(paths, ['.gitignore', 'README.md', 'odd/tracked.md', 'src/a.ts', 'src/new.ts']);
});

t.test('without git the tree is the folders of the repository and the files at the top', async (t) => {
  const folder = t.testdir({ '.ci': { run: '' } });
  write(folder, 'README.md', 'src/x/a.ts', 'src/node_modules/a.ts', '.npmrc', ...stray);
  t.same(pathsOfFolders(folder).sort(), [
    '.ci/run',
    '.npmrc',
    'README.md',
    'notes.txt',
    'src/a.log',
    'src/x/a.ts',
  ]);
});

t.test('every kind of import is found, with the file it names', async (t) => {
  const text = [
    `import t from 'tap';`,
    `import {\n  a,\n  type B,\n} from '../b.ts';`,
    `export * from './c.ts';`,
    `import './d.ts';`,
    `const e = await import('./e.ts'); // import './no.ts';`,
    `new Worker(new URL('./f.ts', import.meta.url));`,
    `const s = "import './no.ts'";`,
  ].join('\n');
  const found = importsOf({ path: 'src/x/a.ts', text });
  t.same(
    found.map(({ target, dynamic }) => `${target}${dynamic ? ' later' : ''}`),
    ['undefined', 'src/b.ts', 'src/x/c.ts', 'src/x/d.ts', 'src/x/e.ts later', 'src/x/f.ts later'],
  );
  t.equal(found[0]?.specifier, 'tap');
});

t.test('comments are blanked and quotes kept', async (t) => {
  t.equal(withoutComments(`a('//'); // b\n/* c\n*/ d`), `a('//');     \n    \n   d`);
});
