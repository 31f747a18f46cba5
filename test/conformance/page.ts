import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Version, versions } from '../../codec/version.ts';
import { type Profile, profiles } from '../../profiles/index.ts';
import { isCaseOf } from './case.ts';
import type { CaseResult } from './report.ts';
import type { Transport } from './run.ts';
import { staticTables, table } from './tables.ts';

/** `docs/conformance.md`: the cases, their results, and the features of the server. */

export const pageFile = join(import.meta.dirname, '..', '..', 'docs', 'conformance.md');
export const command = 'npm run conformance -- --page';

/** Separates the results of a run from the tables made from the code. */
const border = '<!-- What follows is made from the code and held to it by a test. -->';

export type Runs = Readonly<Record<Transport, readonly CaseResult[]>>;

const labels: Readonly<Record<Transport, string>> = {
  tls: 'TTLV over TLS',
  ttlv: 'TTLV over HTTPS',
  xml: 'XML over HTTPS',
  json: 'JSON over HTTPS',
};

const passes = ({ outcome }: CaseResult) => outcome === 'passed';
const passedOf = (cases: readonly CaseResult[]) =>
  cases.length === 0 ? '' : `${cases.filter(passes).length}/${cases.length}`;

function familyTable(judged: readonly CaseResult[]): string {
  const families = [...new Set(judged.map((each) => each.case.family))].sort(new Intl.Collator('en').compare);
  const row = (label: string, cases: readonly CaseResult[]) => [
    label,
    ...versions.map((version) => passedOf(cases.filter((each) => each.case.version === version))),
    passedOf(cases),
  ];
  return table(
    ['family', ...versions, 'all'],
    [
      ...families.map((family) =>
        row(
          family,
          judged.filter((each) => each.case.family === family),
        ),
      ),
      row('**all**', judged),
    ],
  );
}

function reasons(judged: readonly CaseResult[]): string {
  const others = judged.filter((each) => !passes(each));
  const byReason = Map.groupBy(others, ({ reason, outcome }) => reason ?? outcome);
  const rows = [...byReason].map(([reason, cases]) => [
    cases.map((each) => each.case.name).join(', '),
    reason,
  ]);
  return rows.length === 0 ? 'Every case passes.' : table(['cases', 'reason'], rows);
}

function transportTable(runs: Runs): string {
  const outcomes = new Map(runs.tls.map((each) => [each.case.file, each.outcome]));
  const rows = (Object.keys(labels) as Transport[]).map((transport) => {
    const judged = runs[transport];
    const different = judged.filter((each) => outcomes.get(each.case.file) !== each.outcome);
    const same = different.length === 0 ? 'same' : different.map((each) => each.case.name).join(', ');
    return [labels[transport], passedOf(judged), transport === 'tls' ? '' : same];
  });
  return table(['transport', 'passed', 'against TTLV over TLS'], rows);
}

function casesOf(profile: Profile, judged: readonly CaseResult[]): CaseResult[] {
  return judged.filter((each) => isCaseOf(profile, each.case.name));
}

function profileTable(runs: Runs): string {
  const rows = profiles.map((profile) => {
    const proof = profile.encoding ?? 'tls';
    const cells = (['tls', 'xml', 'json'] as const).map((transport) =>
      passedOf(casesOf(profile, runs[transport])),
    );
    const documents = Object.keys(profile.servers) as Version[];
    const over =
      profile.encoding === undefined ? '' : `${passedOf(casesOf(profile, runs[proof]))} in ${proof}`;
    return [
      profile.name,
      documents.join(', '),
      ...cells,
      over,
      profile.supported ? 'yes' : `no: ${profile.missing}`,
    ];
  });
  return table(['profile', 'documents', 'TTLV', 'XML', 'JSON', 'over HTTPS', 'announced'], rows);
}

/** The page of these runs, made on a day such as `2026-11-23`. */
export function pageOf(runs: Runs, day: string): string {
  const text = [
    '# Conformance',
    `Made on ${day} by \`${command}\`, which runs the OASIS cases it finds (${runs.tls.length}) against fresh servers. ` +
      'Cells are\npassed cases of run cases; empty: no case.',
    '## Cases by family and version',
    familyTable(runs.tls),
    '## Cases that do not pass',
    reasons(runs.tls),
    '## The same cases in other encodings',
    'Over HTTPS in TTLV the cases of MSGENC, in XML and in JSON all.',
    transportTable(runs),
    '## Profiles',
    'Query announces a profile whose every case passes; one about encoding only if there is an HTTPS listener.',
    profileTable(runs),
    border,
    staticTables(),
  ];
  return `${text.join('\n\n')}\n`;
}

/** The recorded page in two parts: the results of the last run, and the tables. */
export function recordedPage(): { run: string; tables: string } {
  const [run = '', tables = ''] = readFileSync(pageFile, 'utf8').split(border);
  return { run, tables: tables.trim() };
}

/** Cells of the row of a profile in the recorded run, by column; undefined when it has none. */
export function recordedProfile(name: string): Record<string, string> | undefined {
  const { run } = recordedPage();
  const [head, , ...rows] = run
    .slice(run.indexOf('## Profiles'))
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.slice(2, -2).split(' | '));
  const row = rows.find(([first]) => first === name);
  return row && Object.fromEntries((head ?? []).map((column, at) => [column, (row[at] ?? '').trim()]));
}
