/** A name of the code that a contributor cannot guess, and the one that takes its place. */
export interface Word {
  readonly now: string;
  readonly becomes: string;
  /** Whether a declared name, `#` left out, uses the word. */
  readonly matches: (name: string) => boolean;
  /** The files in which the word had that meaning; elsewhere it may be the right one. */
  readonly scope: RegExp;
  /** What must be declared, for a word that is right for other things. */
  readonly declares?: 'function' | 'type';
  /** Samples: a path in the scope, a declaration that is found there, and one that is not. */
  readonly path: string;
  readonly bad: string;
  readonly good: string;
}

/** Matches the names themselves. */
export const is =
  (...names: readonly string[]): Word['matches'] =>
  (name) =>
    names.includes(name);

/** Matches names with one of these parts: `part('shelf')` matches `shelf`, `SealingKeyShelf`, `shelfOf`. */
export const part =
  (...parts: readonly string[]): Word['matches'] =>
  (name) =>
    (name.match(/[A-Z]+(?![a-z])|[A-Z]?[a-z]+/g) ?? []).some((one) => parts.includes(one.toLowerCase()));

/** Matches names that fit the pattern. */
export const like =
  (pattern: RegExp): Word['matches'] =>
  (name) =>
    pattern.test(name);

/** Scopes: the folders in which a word of the table is looked for. */
export const everywhere = /^(src|codec|certs|profiles|bench|test)\//;
export const product = /^(src|codec|certs|profiles)\//;
export const src = /^src\//;
export const net = /^src\/(main\.ts|(daemon|net)\/)/;
export const operations = /^src\/operations\//;
export const certificates = /^src\/operations\/certificates\//;
export const protocol = /^src\/protocol\//;
export const reverse = /^src\/(protocol\/endpoints\/|net\/(connection|outgoing|server-request-channel)\.ts$)/;

type Samples = [path: string, bad: string, good: string];

/** Builds a line of the table from its columns. */
export function word(
  now: string,
  becomes: string,
  matches: Word['matches'],
  scope: RegExp,
  [path, bad, good]: Samples,
  declares?: Word['declares'],
): Word {
  return { now, becomes, matches, scope, path, bad, good, ...(declares === undefined ? {} : { declares }) };
}

/** Sample declarations of a name. */
export const value = (name: string): string => `const ${name} = 1;`;
export const func = (name: string): string => `export function ${name}() {}`;
export const type = (name: string): string => `interface ${name} {}`;
export const member = (name: string): string => `class A { ${name} = 1; }`;
export const method = (name: string): string => `class A { ${name}() {} }`;
export const property = (name: string): string => `interface A { ${name}: string }`;
