import { versions } from '../../codec/version.ts';
import { nodeToXml } from '../../codec/wire/xml.ts';
import type { Failure, Result } from './play.ts';

/** Why a case may fail, by its name; `*` in a key stands for any text. */
export type ExpectedFailures = Readonly<Record<string, string>>;

export type Outcome = 'passed' | 'failed' | 'expected failure' | 'unexpected pass';

export interface Judged extends Result {
  readonly outcome: Outcome;
  /** Reason of an expected failure. */
  readonly reason?: string;
}

/** Whether a name fits a pattern in which `*` stands for any text. */
export function matches(pattern: string, name: string): boolean {
  const source = pattern.split('*').map(RegExp.escape).join('.*');
  return new RegExp(`^${source}$`).test(name);
}

/** Holds results against the expected failures: a case that is listed and passes is as wrong as one that fails. */
export function judge(results: readonly Result[], expected: ExpectedFailures): Judged[] {
  return results.map((result) => {
    const entry = Object.entries(expected).find(([pattern]) => matches(pattern, result.case.name));
    const failed = result.failures.length > 0;
    if (entry === undefined) return { ...result, outcome: failed ? 'failed' : 'passed' };
    return { ...result, outcome: failed ? 'expected failure' : 'unexpected pass', reason: entry[1] };
  });
}

/** Entries that no case of the run bears out; meaningful only when every case was played. */
export function unusedEntries(results: readonly Result[], expected: ExpectedFailures): string[] {
  return Object.keys(expected).filter(
    (pattern) => !results.some((result) => matches(pattern, result.case.name)),
  );
}

/** Families down, versions across; `passed/total` in each cell. */
export function matrix(judged: readonly Judged[]): string {
  const families = [...new Set(judged.map((each) => each.case.family))].sort((a, b) =>
    a === 'TC' ? 1 : b === 'TC' ? -1 : a.localeCompare(b),
  );
  const columns = versions.filter((version) => judged.some((each) => each.case.version === version));
  const cell = (cases: readonly Judged[]) =>
    cases.length === 0 ? '·' : `${cases.filter((each) => each.failures.length === 0).length}/${cases.length}`;
  const row = (label: string, cases: readonly Judged[]) => [
    label,
    ...columns.map((version) => cell(cases.filter((each) => each.case.version === version))),
    cell(cases),
  ];
  const rows = [
    ['family', ...columns, 'all'],
    ...families.map((family) =>
      row(
        family,
        judged.filter((each) => each.case.family === family),
      ),
    ),
    row('all', judged),
  ];
  const widths =
    rows[0]?.map((_, column) => Math.max(...rows.map((each) => (each[column] ?? '').length))) ?? [];
  return rows
    .map((each) =>
      each
        .map((text, column) =>
          column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** What went wrong in one case. `verbose`: both messages of each failing exchange as XML. */
export function describeFailures(result: Result, verbose: boolean): string {
  const lines = [`${result.case.name} (${result.case.file})`];
  for (const failure of result.failures) lines.push(...describeFailure(failure, verbose));
  return lines.join('\n');
}

function describeFailure(
  { exchange, operations, differences, request, expected, actual }: Failure,
  verbose: boolean,
): string[] {
  const lines = [`  exchange ${exchange}: ${operations.join(', ')}`];
  for (const difference of differences) {
    lines.push(`    ${difference.path || 'message'}`);
    lines.push(`      expected  ${difference.expected}`, `      actual    ${difference.actual}`);
  }
  if (!verbose) return lines;
  const messages = [
    ['request', request],
    ['expected answer', expected],
    ['actual answer', actual],
  ] as const;
  for (const [label, message] of messages) {
    if (message !== undefined)
      lines.push(
        `    ${label}:`,
        ...nodeToXml(message)
          .split('\n')
          .map((line) => `      ${line}`),
      );
  }
  return lines;
}

/** The closing line: expected failures count as skipped, unexpected passes as failed. */
export function summary(judged: readonly Judged[]): string {
  const count = (...outcomes: Outcome[]) => judged.filter((each) => outcomes.includes(each.outcome)).length;
  return `${count('passed')} passed, ${count('failed', 'unexpected pass')} failed, ${count('expected failure')} skipped`;
}

/** The run for other programs. */
export function toJson(judged: readonly Judged[]): string {
  const cases = judged.map(({ case: { name, version, family, file }, outcome, reason, failures }) => ({
    name,
    version,
    family,
    file,
    outcome,
    ...(reason === undefined ? {} : { reason }),
    failures: failures.map(({ exchange, operations, differences }) => ({
      exchange,
      operations,
      differences,
    })),
  }));
  return `${JSON.stringify(cases, null, 2)}\n`;
}
