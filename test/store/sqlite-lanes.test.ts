import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { openSqlite } from '../../src/store/sqlite.ts';
import { laneSuite } from './lanes-suite.ts';

const directory = await mkdtemp(join(tmpdir(), 'kmipd-lanes-'));
t.teardown(() => rm(directory, { recursive: true, force: true }));
let databases = 0;

await laneSuite(t, {
  async fresh() {
    databases += 1;
    return join(directory, `${databases}.db`);
  },
  open: openSqlite,
});
