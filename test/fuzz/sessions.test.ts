import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { campaignText, runCampaign } from './sessions/campaign.ts';
import { mutants } from './sessions/mutants.ts';

/** A short campaign; `npm run fuzz:sessions` is the long one. */

t.test('no session of several clients breaks an invariant', { timeout: 240_000 }, async (t) => {
  const report = await runCampaign({ seed: 20261129, count: 300 });
  t.equal(report.finding, undefined, report.finding === undefined ? 'all held' : campaignText(report));
  t.ok(report.sessions === 300 && report.tally.size > 100, `${report.tally.size} results`);
  const answered = [...report.tally].filter(([key]) => key.endsWith(' Success'));
  t.ok(answered.length > 30, `${answered.length} operations succeeded`);
});

t.test('the protections that mutants take out are where the mutants look for them', async (t) => {
  const root = join(import.meta.dirname, '../..');
  for (const { name, patches } of mutants)
    for (const { file, text } of patches)
      t.equal(readFileSync(join(root, file), 'utf8').split(text).length, 2, `${name}: ${file}`);
});
