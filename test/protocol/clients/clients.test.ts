import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { clientsSuite } from './clients-suite.ts';

const directory = await mkdtemp(join(tmpdir(), 'kmipd-clients-'));
t.teardown(() => rm(directory, { recursive: true }));
let databases = 0;

await clientsSuite(t, async () => `sqlite:${join(directory, `${++databases}.db`)}`);
