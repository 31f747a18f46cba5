import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { openSqlite } from '../../src/store/sqlite.ts';
import { auditMutationsSuite } from './audit-mutations-suite.ts';

const directory = mkdtempSync(join(tmpdir(), 'kmipd-audit-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));

await auditMutationsSuite(t, {
  fresh: async () => `sqlite:${join(directory, 'kmipd.db')}`,
  open: (url) => openSqlite(url.slice('sqlite:'.length)),
  overriding: '',
});
