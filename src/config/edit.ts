import { isDeepStrictEqual } from 'node:util';
import { parse } from 'smol-toml';
import { isTable } from './values.ts';

/** Changes of one value in a configuration file that somebody has written. */

/** Lines that the former value of a key may take. */
const maxValueLines = 12;

/**
 * Returns TOML text in which the key `section.key` has another value; comments and everything else stay as
 * they are. Undefined where that cannot be done safely: whatever the text looks like, the result is parsed
 * and compared with the one before.
 */
export function setConfigValue(
  source: string,
  section: string,
  key: string,
  value: string | readonly string[],
): string | undefined {
  const before = parse(source);
  const table = before[section];
  const expected = { ...before, [section]: { ...(isTable(table) ? table : {}), [key]: value } };
  // Texts and lists of texts in JSON are valid TOML.
  const assignment = `${key} = ${JSON.stringify(value)}`;
  for (const text of candidates(source, section, key, assignment))
    if (isEqualToml(text, expected)) return text;
  return undefined;
}

function isEqualToml(text: string, expected: unknown): boolean {
  try {
    // Tables of the parser have no prototype.
    return isDeepStrictEqual(structuredClone(parse(text)), structuredClone(expected));
  } catch {
    return false;
  }
}

/** Yields texts that may be the wanted one, the likeliest first. */
function* candidates(source: string, section: string, key: string, assignment: string): Generator<string> {
  const lines = source.split('\n');
  const end = source.includes('\r\n') ? '\r' : '';
  const replace = (from: number, to: number, ...texts: readonly string[]) =>
    lines.toSpliced(from, to - from, ...texts.map((text) => `${text}${end}`)).join('\n');
  const dotted = new RegExp(`^\\s*${section}\\s*\\.\\s*${key}\\s*=`);
  const header = new RegExp(`^\\s*\\[\\s*${section}\\s*\\]\\s*(#.*)?$`);
  const plain = new RegExp(`^\\s*${key}\\s*=`);
  for (const [at, line] of lines.entries()) {
    const isDotted = dotted.test(line);
    if (!isDotted && !plain.test(line)) continue;
    const text = isDotted ? `${section}.${assignment}` : assignment;
    const [, comment = ''] = /^[^#"']*(?:"(?:[^"\\]|\\.)*"|'[^']*'|\[[^\]]*\])(\s*#.*?)\r?$/.exec(line) ?? [];
    for (let to = at + 1; to <= at + maxValueLines; to += 1)
      yield replace(at, to, to === at + 1 ? text + comment : text);
  }
  const example = new RegExp(`^#\\s*${key}\\s*=`);
  for (const [at, line] of lines.entries()) if (example.test(line)) yield replace(at + 1, at + 1, assignment);
  for (const [at, line] of lines.entries()) if (header.test(line)) yield replace(at + 1, at + 1, assignment);
  const other = new RegExp(`^\\s*${section}\\s*\\.`);
  for (const [at, line] of lines.entries())
    if (other.test(line)) yield replace(at, at, `${section}.${assignment}`);
  const last = lines.length - (lines.at(-1) === '' ? 1 : 0);
  yield replace(last, last, '', `[${section}]`, assignment);
}
