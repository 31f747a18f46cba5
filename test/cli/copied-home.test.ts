import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { KmipdProcess } from '../fixture/kmipd.ts';

t.setTimeout(300_000);

t.test('a copy of a home without server/ starts, and makes what is missing', async (t) => {
  const home = t.testdir();
  const first = new KmipdProcess(['serve', '--home', home, '--listen', '127.0.0.1:0']);
  await first.ready();
  await first.end();
  rmSync(join(home, 'server'), { recursive: true });
  const again = new KmipdProcess(['serve', '--home', home, '--listen', '127.0.0.1:0']);
  await again.ready();
  await again.end();
  t.ok(existsSync(join(home, 'server', 'key.pem')));
});
