import t from 'tap';
import { profiles } from '../../profiles/index.ts';
import { command, recordedPage, recordedProfile } from '../conformance/page.ts';
import { staticTables } from '../conformance/tables.ts';

/**
 * docs/conformance.md against the code: no promise without cases that passed, no table that is out of date.
 */

/** What is wrong with the recorded proof of a kept profile. */
function unproved(row: Record<string, string> | undefined): string | undefined {
  if (row === undefined) return 'it is not in the last run';
  if (row['announced'] !== 'yes') return 'the last run did not count it as kept';
  const proofs = ['TTLV', 'XML', 'JSON', 'over HTTPS'].flatMap((column) => row[column] || []);
  if (proofs.length === 0) return 'no case of it was run';
  const failed = proofs.find((proof) => {
    const [, passed, all] = /^(\d+)\/(\d+)/.exec(proof) ?? [];
    return passed === undefined || passed !== all || passed === '0';
  });
  return failed === undefined ? undefined : `not all of its cases passed: ${failed}`;
}

t.test('a promise without a passing case is found', async (t) => {
  const row = { announced: 'yes', TTLV: '3/3', XML: '3/3', JSON: '3/3', 'over HTTPS': '' };
  t.equal(unproved(row), undefined);
  t.ok(unproved(undefined));
  t.ok(unproved({ ...row, TTLV: '2/3' }));
  t.ok(unproved({ ...row, 'over HTTPS': '0/0 in xml' }));
  t.ok(unproved({ announced: 'yes', TTLV: '', XML: '', JSON: '', 'over HTTPS': '' }));
  t.ok(unproved({ ...row, announced: 'no: not yet' }));
});

t.test('every kept profile is proved by the recorded run', async (t) => {
  for (const { name, supported } of profiles) {
    if (!supported) continue;
    t.equal(unproved(recordedProfile(name)), undefined, `${name}; ${command} records a run`);
  }
});

t.test('the tables of docs/conformance.md are those of the code', async (t) => {
  t.equal(recordedPage().tables, staticTables(), `out of date: ${command} writes them anew`);
});
