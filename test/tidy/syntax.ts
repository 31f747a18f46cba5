import { type Node, SyntaxKind, type SourceFile as Tree } from 'typescript/unstable/ast';
import { createVirtualFileSystem } from 'typescript/unstable/fs';
import { API } from 'typescript/unstable/sync';
import type { SourceFile } from './source.ts';

/**
 * The TypeScript compiler's parser over files in memory. `typescript/unstable/…` may change with each release
 * of the compiler; package.json pins one, and no other file of this repository uses it. One call starts one
 * compiler process, so a rule parses all its files together.
 */
const options = { noLib: true, noResolve: true, types: [], allowImportingTsExtensions: true, noEmit: true };

export { type Node, SyntaxKind };

/** A parsed file: the file and the root of its syntax tree. */
export interface ParsedFile extends SourceFile {
  readonly tree: Node;
}

const parsed = new WeakMap<SourceFile, Node>();

/** The TypeScript files among `files` with their syntax trees, in the same order. A file is parsed once. */
export function parseFiles(files: readonly SourceFile[]): ParsedFile[] {
  const sources = files.filter(({ path }) => path.endsWith('.ts'));
  const missing = sources.filter((file) => !parsed.has(file));
  if (missing.length > 0) parseAll(missing);
  return sources.map((file) => ({ ...file, tree: parsed.get(file) as Node }));
}

function parseAll(files: readonly SourceFile[]): void {
  const config = '/tree/tsconfig.json';
  const texts = Object.fromEntries(files.map(({ path, text }) => [`/tree/${path}`, text]));
  const configText = JSON.stringify({ compilerOptions: options, files: Object.keys(texts) });
  const api = new API({ cwd: '/tree', fs: createVirtualFileSystem({ ...texts, [config]: configText }) });
  try {
    const project = api.updateSnapshot({ openProjects: [config] }).getProject(config);
    for (const file of files) {
      const tree: Tree | undefined = project?.program.getSourceFile(`/tree/${file.path}`);
      if (tree === undefined) throw new Error(`the compiler returns no syntax tree of ${file.path}`);
      parsed.set(file, tree);
    }
  } finally {
    api.close();
  }
}

/** Calls `visit` for a node and everything below it, parents first. */
export function walk(node: Node, visit: (node: Node) => void): void {
  visit(node);
  node.forEachChild((child) => {
    walk(child, visit);
  });
}

/**
 * One identifier of a file. `declares` says what the identifier declares, undefined where the file only uses
 * the name. Private names keep their `#`.
 */
export interface NamedNode {
  readonly name: string;
  readonly offset: number;
  readonly declares: 'function' | 'type' | 'value' | undefined;
  /** True for the name of a member: `b` in `a.b` and in `{ b: 1 }`. */
  readonly isMember: boolean;
}

const types: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.ClassDeclaration,
  SyntaxKind.ClassExpression,
  SyntaxKind.EnumDeclaration,
  SyntaxKind.InterfaceDeclaration,
  SyntaxKind.ModuleDeclaration,
  SyntaxKind.TypeAliasDeclaration,
  SyntaxKind.TypeParameter,
]);
const functions: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.ArrowFunction,
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.FunctionExpression,
  SyntaxKind.FunctionType,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.MethodSignature,
]);
const values: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.BindingElement,
  SyntaxKind.ExportSpecifier,
  SyntaxKind.GetAccessor,
  SyntaxKind.NamespaceImport,
  SyntaxKind.Parameter,
  SyntaxKind.PropertyDeclaration,
  SyntaxKind.PropertySignature,
  SyntaxKind.SetAccessor,
  SyntaxKind.VariableDeclaration,
]);

const members: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.MethodDeclaration,
  SyntaxKind.MethodSignature,
  SyntaxKind.PropertyAccessExpression,
  SyntaxKind.PropertyAssignment,
  SyntaxKind.PropertyDeclaration,
  SyntaxKind.PropertySignature,
]);

/** Every identifier of a file in the order of the text. */
export function identifiersOf({ tree }: ParsedFile): NamedNode[] {
  const found: NamedNode[] = [];
  walk(tree, (node) => {
    if (node.kind !== SyntaxKind.Identifier && node.kind !== SyntaxKind.PrivateIdentifier) return;
    found.push({
      name: nameOf(node),
      offset: startOf(node),
      declares: declaredBy(node.parent, node),
      isMember: members.has(node.parent.kind) && (node.parent as Node & { name?: Node }).name === node,
    });
  });
  return found;
}

function declaredBy(parent: Node, name: Node): NamedNode['declares'] {
  const declaration = parent as Node & { name?: Node; propertyName?: Node; initializer?: Node; type?: Node };
  if (declaration.name !== name) return undefined;
  if (types.has(parent.kind)) return 'type';
  if (functions.has(parent.kind)) return 'function';
  if (values.has(parent.kind)) {
    const held = [declaration.initializer, declaration.type];
    return held.some((node) => node !== undefined && functions.has(node.kind)) ? 'function' : 'value';
  }
  return parent.kind === SyntaxKind.ImportSpecifier && declaration.propertyName !== undefined
    ? 'value'
    : undefined;
}

/** The text of an identifier. */
export function nameOf(node: Node): string {
  return (node as Node & { text: string }).text;
}

/** The offset of the first character of a node, after the comments before it. */
export function startOf(node: Node): number {
  return node.getStart();
}

const literals: ReadonlySet<SyntaxKind> = new Set([
  SyntaxKind.StringLiteral,
  SyntaxKind.NoSubstitutionTemplateLiteral,
  SyntaxKind.TemplateHead,
  SyntaxKind.TemplateMiddle,
  SyntaxKind.TemplateTail,
]);

/** A piece of a file's text. */
export interface TextRange {
  readonly offset: number;
  readonly text: string;
}

/**
 * The string and template literals of a file, quotes included; a template with `${…}` gives one range for
 * each part.
 */
export function stringsOf(file: ParsedFile): TextRange[] {
  return rangesOf(file, (kind) => literals.has(kind));
}

/** The comments of a file with their delimiters. */
export function commentsOf(file: ParsedFile): TextRange[] {
  let code = file.text;
  const opaque = (kind: SyntaxKind): boolean =>
    literals.has(kind) || kind === SyntaxKind.RegularExpressionLiteral;
  for (const { offset, text } of rangesOf(file, opaque))
    code = code.slice(0, offset) + text.replace(/[^\n]/g, ' ') + code.slice(offset + text.length);
  return [...code.matchAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g)].map(({ index, 0: { length } }) => ({
    offset: index,
    text: file.text.slice(index, index + length),
  }));
}

function rangesOf({ tree, text }: ParsedFile, chosen: (kind: SyntaxKind) => boolean): TextRange[] {
  const found: TextRange[] = [];
  walk(tree, (node) => {
    if (chosen(node.kind)) found.push({ offset: startOf(node), text: text.slice(startOf(node), node.end) });
  });
  return found;
}
