import { existsSync } from 'node:fs';
import t from 'tap';
import { hasExpectedResults } from './announced.ts';
import { casesDirectory } from './run.ts';

/**
 * The same results over HTTPS: every case in XML and in JSON; TTLV differs from plain TLS in its envelope
 * only.
 */

const directory = casesDirectory();
const absent = existsSync(directory) ? {} : { skip: `no conformance cases in ${directory}` };

t.setTimeout(600_000);

for (const [form, only] of [['ttlv', 'MSGENC-*'], ['xml'], ['json']] as const) {
  t.test(`over HTTPS in ${form}`, { ...absent, timeout: 600_000 }, (t) => hasExpectedResults(t, form, only));
}
