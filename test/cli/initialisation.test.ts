import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { KmipdProcess } from '../fixture/kmipd.ts';
import { tryDestroy } from './try-destroy.ts';

// Every test starts several processes, which takes long on a loaded machine.
t.setTimeout(900_000);

const anyPort = ['--listen', '127.0.0.1:0'];

/** The files of a state directory in the order of their creation. */
const files = [
  'initialisation-unfinished',
  'kmipd.toml',
  'kmipd.db',
  'root.key',
  'ca/ca.key',
  'ca/ca.pem',
  'server/key.pem',
  'server/cert.pem',
  'clients/demo/cert.pem',
  'clients/demo/client.p12',
];
for (const [number, file] of files.entries()) {
  t.test(`the next start finishes an initialisation that was killed when ${file} existed`, async (t) => {
    const directory = t.testdir();
    const home = join(directory, 'home');
    const first = new KmipdProcess(['init', '--home', 'home'], { cwd: directory });
    while (!existsSync(join(home, file))) await new Promise((resolve) => setImmediate(resolve));
    t.equal(await first.end('SIGKILL'), 'SIGKILL');
    const existing = files.slice(0, number + 1).filter((each) => existsSync(join(home, each)));
    const before = existing.map((each) => readFileSync(join(home, each), 'latin1'));
    const daemon = new KmipdProcess(['serve', '--home', 'home', ...anyPort], { cwd: directory });
    t.teardown(() => daemon.end('SIGKILL'));
    const { port } = await daemon.ready();
    t.equal(await tryDestroy(port, join(home, 'clients', 'demo')), 'permitted');
    t.notOk(existsSync(join(home, 'initialisation-unfinished')));
    for (const [index, each] of existing.entries()) {
      if (!/key|ca\.pem|toml/.test(each)) continue;
      t.equal(readFileSync(join(home, each), 'latin1'), before[index], `${each} was kept`);
    }
    await daemon.end();
  });
}
