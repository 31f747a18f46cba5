/** What a TAP record of many files amounts to. */
export interface Summary {
  readonly passed: number;
  readonly failed: number;
  /** Skipped and todo tests. */
  readonly skipped: number;
  /** One line per skipped test: where, and the reason given. */
  readonly skips: readonly string[];
  /** Files that ended without a single result, by a failure to load or for want of any test. */
  readonly silent: readonly string[];
}

const count = (line: string, name: string): number =>
  Number(new RegExp(`\\b${name}: (\\d+)`).exec(line)?.[1] ?? 0);

/**
 * Reads what tap wrote with --output-file for these files. tap calls a file without tests skipped; here it has
 * failed, and so has a file that the record does not mention and a record that breaks off before its totals.
 */
export function summarise(record: string, files: readonly string[]): Summary {
  const lines = record.split('\n');
  const totals = lines.findLast((line) => line.startsWith('# { total: ')) ?? '';
  const skips: string[] = [];
  const reported = new Set<string>();
  const silent: string[] = [];
  let empty = 0;
  let file = '';
  let results = 0;
  for (const line of lines) {
    if (line.startsWith('# Subtest: ')) {
      file = line.slice('# Subtest: '.length);
      results = 0;
    }
    const nested = /^\s+(?:not )?ok \d+(?: - )?(.*)$/.exec(line);
    if (nested) results += 1;
    const skip = /^(\s*)ok \d+(?: - )?(.*?) # (?:time=\S+ )?SKIP ?(.*)$/i.exec(line);
    const end = /^(not )?ok \d+ - (.*?)(?: # .*)?$/.exec(line);
    if (end) {
      reported.add(file);
      if (skip?.[3] === 'no tests found') empty += 1;
      if (results === 0 && (end[1] !== undefined || skip?.[3] === 'no tests found')) silent.push(file);
    }
    if (skip && skip[3] !== 'no tests found')
      skips.push(`${[file, skip[1] ? skip[2] : ''].filter(Boolean).join(' > ')}: ${skip[3]}`);
  }
  const missing = files.filter((path) => !reported.has(path)).length;
  return {
    passed: count(totals, 'pass'),
    failed: count(totals, 'fail') + empty + missing + (totals === '' ? 1 : 0),
    skipped: count(totals, 'skip') + count(totals, 'todo') - empty,
    skips,
    silent,
  };
}
