/**
 * Returns the candidate most similar to `word`, ignoring case, for "did you mean"; undefined when none
 * differs in less than about two fifths of the letters.
 */
export function closestMatch(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined;
  let distanceOfBest = Math.max(1, Math.floor(word.length / 2.5)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < distanceOfBest) [best, distanceOfBest] = [candidate, distance];
  }
  return best;
}

/** Returns `; did you mean "x"?` for the end of an error message, or an empty text. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const candidate = closestMatch(word, candidates);
  return candidate === undefined ? '' : `; did you mean "${candidate}"?`;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
