import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { openSqlite } from '../../src/store/sqlite.ts';
import { laneSuite } from './lanes-suite.ts';
import type { Engine } from './suite.ts';

const directory = await mkdtemp(join(tmpdir(), 'kmipd-lanes-'));
t.teardown(() => rm(directory, { recursive: true, force: true }));
let databases = 0;

const engine: Engine = {
  async fresh() {
    databases += 1;
    return `sqlite:${join(directory, `${databases}.db`)}`;
  },
  open: (url) => openSqlite(url.slice('sqlite:'.length)),
};
await laneSuite(t, engine);
