import { existsSync } from 'node:fs';
import t from 'tap';
import { hasExpectedResults } from './announced.ts';
import { casesDirectory } from './run.ts';

const directory = casesDirectory();
const absent = existsSync(directory) ? {} : { skip: `no conformance cases in ${directory}` };

t.setTimeout(600_000);

t.test('the OASIS cases have the recorded results', { ...absent, timeout: 600_000 }, (t) =>
  hasExpectedResults(t, 'tls'),
);
