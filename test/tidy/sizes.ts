import { finding, type SourceFile } from './source.ts';
import { type Node, nameOf, parseFiles, SyntaxKind, startOf, walk } from './syntax.ts';

const maxFunctionLines = 70;
const maxFolderFiles = 40;
const maxProductLines = 300;
const maxOtherLines = 350;

const product = /^(src|codec|certs|profiles)\//;
const tables =
  /^codec\/(tags|enums|masks|attribute-table)\.ts$|^src\/object\/attributes\.ts$|^test\/golden\/|^test\/tidy\/words\.ts$/;

/** TypeScript files that are too long to do one thing; tables and golden messages excepted. */
export function longFiles(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path }) => path.endsWith('.ts') && !tables.test(path))
    .map(({ path, text }) => ({
      path,
      lines: text.trimEnd().split('\n').length,
      limit: product.test(path) ? maxProductLines : maxOtherLines,
    }))
    .filter(({ lines, limit }) => lines > limit)
    .map(({ path, lines, limit }) => `${path}: ${lines} lines, at most ${limit}`);
}

/**
 * Folders with too many TypeScript files directly in them: those of src and codec, and the tests of the
 * operations.
 */
export function fullFolders(files: readonly SourceFile[]): string[] {
  const counts = new Map<string, number>();
  for (const { path } of files) {
    if (!/^(src|codec|test\/protocol\/operations)\/.*\.ts$/.test(path)) continue;
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count > maxFolderFiles)
    .map(([folder, count]) => `${folder}: ${count} files, at most ${maxFolderFiles}`);
}

const functions: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.ArrowFunction,
  SyntaxKind.Constructor,
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.FunctionExpression,
  SyntaxKind.GetAccessor,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.SetAccessor,
]);

/**
 * Functions of any kind that are longer than a screen, first and last line included. In test/ a function
 * without a name is left out, and the callbacks given to `test()` inside a function do not count: such a
 * callback is a list of assertions as long as the case.
 */
export function longFunctions(files: readonly SourceFile[]): string[] {
  const sources = files.filter(({ path }) => /^(src|codec|certs|profiles|bench|test)\//.test(path));
  return parseFiles(sources).flatMap((file) => {
    const found: string[] = [];
    walk(file.tree, (node) => {
      if (!functions.has(node.kind)) return;
      const name = functionName(node);
      const isTest = file.path.startsWith('test/');
      if (name === undefined && isTest) return;
      const lines = breaksIn(file, node) + 1 - (isTest ? breaksOfTests(file, node) : 0);
      if (lines > maxFunctionLines)
        found.push(
          finding(
            file,
            startOf(node),
            `${name ?? 'a callback'} has ${lines} lines, at most ${maxFunctionLines}`,
          ),
        );
    });
    return found;
  });
}

const breaksIn = ({ text }: SourceFile, node: Node): number =>
  text.slice(startOf(node), node.end).split('\n').length - 1;

/**
 * The line breaks of the callbacks of `test()` and `t.test()` below a node, those inside others not counted
 * twice.
 */
function breaksOfTests(file: SourceFile, node: Node): number {
  let breaks = 0;
  node.forEachChild((child) => {
    breaks += isTestCallback(child) ? breaksIn(file, child) : breaksOfTests(file, child);
  });
  return breaks;
}

function isTestCallback(node: Node): boolean {
  if (node.kind !== SyntaxKind.ArrowFunction || node.parent.kind !== SyntaxKind.CallExpression) return false;
  const { expression } = node.parent as Node & { expression: Node & { name?: Node } };
  return (
    (expression.kind === SyntaxKind.Identifier && nameOf(expression) === 'test') ||
    (expression.name !== undefined && nameOf(expression.name) === 'test')
  );
}

/** The name of a function: its own, or that of the variable or property that holds it. */
function functionName(node: Node): string | undefined {
  if (node.kind === SyntaxKind.Constructor) return 'constructor';
  const holders = [
    SyntaxKind.VariableDeclaration,
    SyntaxKind.PropertyAssignment,
    SyntaxKind.PropertyDeclaration,
  ];
  const named = holders.includes(node.parent.kind) ? [node, node.parent] : [node];
  const name = named
    .map((holder) => (holder as Node & { name?: Node }).name)
    .find((name) => name !== undefined);
  return name === undefined ? undefined : nameOf(name);
}
