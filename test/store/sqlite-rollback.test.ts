import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { openSqlite } from '../../src/store/sqlite.ts';
import { rollbackSuite } from './rollback-suite.ts';

const directory = await mkdtemp(join(tmpdir(), 'kmipd-rollback-'));
t.teardown(() => rm(directory, { recursive: true, force: true }));
let databases = 0;

await rollbackSuite(t, {
  async fresh() {
    databases += 1;
    return `sqlite:${join(directory, `${databases}.db`)}`;
  },
  open: (url) => openSqlite(url.slice('sqlite:'.length)),
});
