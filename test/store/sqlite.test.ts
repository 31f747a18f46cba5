import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { openSqlite } from '../../src/store/sqlite.ts';
import { withLanes } from './start-lanes.ts';
import { storeSuite } from './suite.ts';

const directory = await mkdtemp(join(tmpdir(), 'kmipd-sqlite-'));
t.teardown(() => rm(directory, { recursive: true, force: true }));
let databases = 0;

await storeSuite(t, {
  async fresh() {
    databases += 1;
    return `sqlite:${join(directory, `${databases}.db`)}`;
  },
  async open(url, options) {
    const driver = await openSqlite(url.slice('sqlite:'.length), options);
    return options?.migrations === undefined ? withLanes(driver) : driver;
  },
});
