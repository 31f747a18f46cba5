import type { FirstKeys } from './closure-keys.ts';

/**
 * Kinds of terms: a search without end would make ever deeper terms, so those that differ in depth only are
 * one kind. A first key, what is derived from first keys, and their parts are kinds of their own.
 */

/** Splits the arguments of a term at the commas outside of parentheses. */
function argumentsOf(text: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let start = 0;
  for (const [at, character] of [...text].entries()) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character === ',' && depth === 0) {
      found.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  return [...found, text.slice(start).trim()];
}

const isFirst = (term: string) => /^\w$/u.test(term);
const isKnownBase = (term: string, { keys }: FirstKeys) =>
  term === 'known' || term === 'known part' || keys.some(({ name, isSecret }) => name === term && !isSecret);

/** Whether everything of which a term is made is known to clients. */
export function isKnownTerm(term: string, first: FirstKeys): boolean {
  if (isKnownBase(term, first) || /^(noise|join)\(/u.test(term)) return true;
  const match = /^([A-Z0-9_]+|part [12])\((.*)\)$/u.exec(term);
  if (match === null) return false;
  const [head, ...rest] = argumentsOf(match[2] as string);
  const names = match[1]?.startsWith('part') ? [head as string] : [head as string, ...rest];
  return names.every((each) => isKnownTerm(each, first));
}

/** The kind of a term. */
export function kindOf(term: string, first: FirstKeys): string {
  const stored = /^stored (.*)$/u.exec(term)?.[1];
  if (stored !== undefined) {
    if (isKnownTerm(stored, first)) return 'stored known';
    return isFirst(stored) ? term : 'stored secret';
  }
  const part = /^(part [12])\((.*), (\w+?)(?:_\d+x)?\)$/u.exec(term);
  if (isKnownTerm(term, first)) return part !== null || term === 'known part' ? 'known part' : 'known key';
  if (part !== null) {
    const [, number, whole, method] = part as unknown as [string, string, string, string];
    return `${number}(${isFirst(whole) ? whole : familyOf(whole)}, ${method})`;
  }
  const derived = /^[A-Z0-9_]+\((.*)\)$/u.exec(term);
  const isDirect = argumentsOf(derived?.[1] ?? term).every((each) => isFirst(each));
  return isDirect ? term : familyOf(term);
}

/** What secrets of further depth are: keys derived from derived ones, or parts of parts. */
function familyOf(term: string): string {
  return term.startsWith('part ') ? 'secret part' : 'secret derived';
}
