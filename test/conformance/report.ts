import { versions } from '../../codec/version.ts';
import { nodeToXml } from '../../codec/wire/xml.ts';
import { type Case, matches } from './case.ts';
import type { Difference } from './describe.ts';
import type { Failure, Result } from './exchange.ts';

/** Expected failures with their reasons; `*` in the name of a case matches any text. */
export interface ExpectedFailures {
  readonly cases: Readonly<Record<string, string>>;
  /** Cases that are not run at all. */
  readonly notPlayed: Readonly<Record<string, string>>;
  /** Operations that Query does not name yet; for the rest the case counts. */
  readonly queryOperations: Readonly<Record<string, string>>;
}

export type Outcome = 'passed' | 'failed' | 'expected failure' | 'unexpected pass' | 'not run';

export interface CaseResult extends Result {
  readonly outcome: Outcome;
  /** Why the case failed or was not run. */
  readonly reason?: string;
  /** Operations that Query did not name, as expected. */
  readonly excused: readonly string[];
}

/**
 * Holds results against the expected failures: a case that is listed and passes is as wrong as one that
 * fails.
 */
export function classify(results: readonly Result[], expected: ExpectedFailures): CaseResult[] {
  return results.map((result) => {
    const reason = reasonIn(expected.cases, result.case.name);
    const { failures, excused } = excuse(result.failures, expected.queryOperations);
    const failed = failures.length > 0;
    const judged = { ...result, failures, excused };
    if (reason === undefined) return { ...judged, outcome: failed ? 'failed' : 'passed' };
    return { ...judged, outcome: failed ? 'expected failure' : 'unexpected pass', reason };
  });
}

/** A case that is left out, as a result. */
export function leaveOut(each: Case, reason: string): CaseResult {
  return { case: each, failures: [], excused: [], outcome: 'not run', reason };
}

/** Reason of the first pattern that a case's name fits. */
export function reasonIn(list: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.entries(list).find(([pattern]) => matches(pattern, name))?.[1];
}

const unnamedOperation = /\/ResponsePayload\/Operation\((\w+)\)$/;

/** Takes the operations that Query need not name yet out of the failures. */
function excuse(failures: readonly Failure[], operations: Readonly<Record<string, string>>) {
  const excused: string[] = [];
  const isExcused = ({ path }: Difference) => {
    const operation = unnamedOperation.exec(path)?.[1];
    if (operation === undefined || !Object.hasOwn(operations, operation)) return false;
    excused.push(operation);
    return true;
  };
  const left = failures
    .map((failure) => ({ ...failure, differences: failure.differences.filter((each) => !isExcused(each)) }))
    .filter(({ differences }) => differences.length > 0);
  return { failures: left, excused };
}

/** Operations that need no exception any more; meaningful only when every case was run. */
export function unusedExcuses(judged: readonly CaseResult[], expected: ExpectedFailures): string[] {
  const excused = new Set(judged.flatMap((each) => each.excused));
  return Object.keys(expected.queryOperations).filter((operation) => !excused.has(operation));
}

/** Families down, versions across; `passed/total` in each cell. */
export function matrix(judged: readonly CaseResult[]): string {
  const families = [...new Set(judged.map((each) => each.case.family))].sort((a, b) =>
    a === 'TC' ? 1 : b === 'TC' ? -1 : a.localeCompare(b),
  );
  const columns = versions.filter((version) => judged.some((each) => each.case.version === version));
  const cell = (cases: readonly CaseResult[]) =>
    cases.length === 0 ? '·' : `${cases.filter(passes).length}/${cases.length}`;
  const row = (label: string, cases: readonly CaseResult[]) => [
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

function passes({ outcome }: CaseResult): boolean {
  return outcome === 'passed' || outcome === 'unexpected pass';
}

/** The failures of one case. `verbose`: both messages of each failing exchange as XML. */
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
    ['request', request && nodeToXml(request)],
    ['expected answer', expected],
    ['actual answer', actual && nodeToXml(actual)],
  ] as const;
  for (const [label, xml] of messages) {
    if (xml !== undefined)
      lines.push(
        `    ${label}:`,
        ...xml
          .trimEnd()
          .split('\n')
          .map((line) => `      ${line}`),
      );
  }
  return lines;
}

/**
 * The closing line: expected failures and cases that were not run count as skipped, unexpected passes as
 * failed.
 */
export function summary(judged: readonly CaseResult[]): string {
  const count = (...outcomes: Outcome[]) => judged.filter((each) => outcomes.includes(each.outcome)).length;
  return `${count('passed')} passed, ${count('failed', 'unexpected pass')} failed, ${count('expected failure', 'not run')} skipped`;
}

/** The run for other programs. */
export function toJson(judged: readonly CaseResult[]): string {
  const cases = judged.map(
    ({ case: { name, version, family, file }, outcome, reason, excused, failures }) => ({
      name,
      version,
      family,
      file,
      outcome,
      ...(reason === undefined ? {} : { reason }),
      ...(excused.length === 0 ? {} : { excused }),
      failures: failures.map(({ exchange, operations, differences }) => ({
        exchange,
        operations,
        differences,
      })),
    }),
  );
  return `${JSON.stringify(cases, null, 2)}\n`;
}
