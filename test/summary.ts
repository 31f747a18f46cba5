/** A failure: its place, from the file inwards, and the diagnostics of tap. */
export interface Failure {
  readonly where: string;
  readonly details: string;
}

/** The totals of a TAP record of many files. */
export interface Summary {
  readonly passed: number;
  readonly failed: number;
  /** Skipped and todo tests. */
  readonly skipped: number;
  readonly failures: readonly Failure[];
  /** A line for each skipped test, with its place and reason. */
  readonly skips: readonly string[];
}

interface Frame {
  readonly name: string;
  failures: number;
}

const subtest = /^( *)# Subtest: (.*)$/;
const result = /^( *)(not )?ok \d+(?: - (.*?))?(?: # (.*))?$/;
const repeated = new Set(['at', 'source', 'stdio', 'cwd', 'externalID', 'command', 'args']);

/**
 * Summarises the TAP record of files; the innermost results are counted. tap reports a file without tests as
 * skipped; here it has failed, like a file that the record does not contain.
 */
export function summarise(record: string, files: readonly string[]): Summary {
  const lines = record.split('\n');
  const missing = new Set(files);
  const open: Frame[] = [];
  const failures: Failure[] = [];
  const skips: string[] = [];
  let passed = 0;
  let skipped = 0;
  lines.forEach((line, index) => {
    const begins = subtest.exec(line);
    if (begins) {
      open.length = Math.min(open.length, depthOf(begins[1]));
      open.push({ name: begins[2] ?? '', failures: 0 });
      return;
    }
    const ends = result.exec(line);
    if (!ends) return;
    const [, indent, not, name = '', directive = ''] = ends;
    const depth = depthOf(indent);
    open.length = Math.min(open.length, depth + 1);
    const closed = open.length === depth + 1 && open[depth]?.name === name ? open.pop() : undefined;
    if (depth === 0) missing.delete(name);
    const where = [...open.map((frame) => frame.name), name].filter(Boolean).join(' > ');
    const skip = /^(?:time=\S+ )?(skip|todo)\b ?(.*)$/i.exec(directive);
    const hollow = skip?.[2] === 'no tests found';
    if (skip && !hollow) {
      skipped += 1;
      skips.push(`${where}: ${skip[2] || skip[1]?.toLowerCase()}`);
    } else if (not || hollow) {
      if (closed && closed.failures > 0) return;
      for (const frame of open) frame.failures += 1;
      failures.push({ where, details: hollow ? 'no tests found' : detailsBelow(lines, index + 1) });
    } else if (!closed) passed += 1;
  });
  for (const file of missing)
    failures.push({ where: file, details: 'tap ended without a result for this file' });
  return { passed, failed: failures.length, skipped, failures, skips };
}

const depthOf = (indent: string | undefined): number => Math.floor((indent ?? '').length / 4);

/** Returns the diagnostics below a result, without the source text and the command line of the file. */
function detailsBelow(lines: readonly string[], start: number): string {
  const indent = /^( *)---$/.exec(lines[start] ?? '')?.[1];
  if (indent === undefined) return '';
  const end = lines.indexOf(`${indent}...`, start);
  let shown = true;
  let folded = false;
  const kept = lines.slice(start + 1, end).filter((line) => {
    const key = new RegExp(`^${indent}(\\w+):`).exec(line)?.[1];
    if (key !== undefined) [shown, folded] = [!repeated.has(key), line.endsWith('>')];
    return shown && !(folded && line.trim() === '');
  });
  return kept.map((line) => line.slice(indent.length)).join('\n');
}
