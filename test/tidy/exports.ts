import { dirname, join, normalize } from 'node:path';
import { finding, type SourceFile } from './source.ts';
import {
  identifiersOf,
  type Node,
  nameOf,
  type ParsedFile,
  parseFiles,
  SyntaxKind,
  startOf,
} from './syntax.ts';

const product = /^(src|codec|certs|profiles)\/.*\.ts$/;

/** A name that a file declares and exports; a type and a constant of one name are one. */
interface Export {
  readonly file: ParsedFile;
  readonly name: string;
  readonly offset: number;
}

/** A name that a file takes from another, by an import or a re-export. `*` stands for every name. */
interface Use {
  readonly target: string;
  readonly name: string;
}

/**
 * Names that two product files export. Whoever reads such a name in a third file must look up which one is
 * meant. A re-export declares nothing and is no second export.
 */
export function namesakes(files: readonly SourceFile[]): string[] {
  const first = new Map<string, Export>();
  return exportsOf(productFiles(files)).flatMap((exported) => {
    const other = first.get(exported.name);
    if (other === undefined) first.set(exported.name, exported);
    return other === undefined ? [] : [at(exported, `${other.file.path} exports ${exported.name} too`)];
  });
}

/**
 * The dictionary of KMIP is complete, whether the server uses an entry yet or not; tests check it against the
 * standard.
 */
const dictionaries = /^codec\/(tags|enums|masks|attribute-table|structures\/[^/]+)\.ts$/;

/**
 * Exports of product files that no product file takes and that the file itself does not use beyond the
 * declaration. What tests alone use is either dead or opens a module's inside to them. The codec's dictionary
 * is left out: its tables hold every name of the standard.
 */
export function testOnlyExports(files: readonly SourceFile[]): string[] {
  const sources = productFiles(files);
  const used = new Map<string, Set<string>>();
  for (const { target, name } of sources.flatMap(usesOf)) {
    const names = used.get(target) ?? new Set();
    used.set(target, names.add(name));
  }
  return exportsOf(sources)
    .filter(({ file, name }) => {
      const names = used.get(file.path);
      if (dictionaries.test(file.path) || names?.has(name) || names?.has('*')) return false;
      return !identifiersOf(file).some(
        (found) => found.name === name && found.declares === undefined && !found.isMember,
      );
    })
    .map((exported) => at(exported, `only tests use ${exported.name}`));
}

const productFiles = (files: readonly SourceFile[]): ParsedFile[] =>
  parseFiles(files.filter(({ path }) => product.test(path)));

const at = ({ file, offset }: Export, message: string): string => finding(file, offset, message);

/** The exported declarations of the files, each name of a file once. */
function exportsOf(files: readonly ParsedFile[]): Export[] {
  return files.flatMap((file) => {
    const found = new Map<string, Export>();
    file.tree.forEachChild((statement) => {
      for (const name of exportedNames(statement)) {
        const text = nameOf(name);
        if (!found.has(text)) found.set(text, { file, name: text, offset: startOf(name) });
      }
    });
    return [...found.values()];
  });
}

/** The names that a statement with `export` declares, and those of `export { a, b }` without `from`. */
function exportedNames(statement: Node): Node[] {
  const { name, modifiers, declarationList, moduleSpecifier, exportClause } = statement as Statement;
  if (statement.kind === SyntaxKind.ExportDeclaration)
    return moduleSpecifier === undefined
      ? (exportClause?.elements ?? []).flatMap(({ name }) => name ?? [])
      : [];
  if (!modifiers?.some(({ kind }) => kind === SyntaxKind.ExportKeyword)) return [];
  if (declarationList !== undefined)
    return declarationList.declarations.flatMap((declaration) => namesOfBinding(declaration.name));
  return name === undefined ? [] : [name];
}

/** The identifiers that a variable declares: itself, or those of a pattern. */
function namesOfBinding(name: Named | undefined): Node[] {
  if (name === undefined) return [];
  if (name.kind === SyntaxKind.Identifier) return [name];
  return (name.elements ?? []).flatMap((element) => namesOfBinding(element.name));
}

/** Every name that a file takes from another file. */
function usesOf(file: ParsedFile): Use[] {
  const found: Use[] = [];
  const add = (specifier: Node | undefined, name: string): void => {
    const text = specifier === undefined ? '' : nameOf(specifier);
    if (text.startsWith('.')) found.push({ target: normalize(join(dirname(file.path), text)), name });
  };
  const visit = (node: Node): void => {
    const { moduleSpecifier, importClause, exportClause, expression, arguments: args } = node as Statement;
    if (moduleSpecifier !== undefined) {
      const elements = importClause?.namedBindings?.elements ?? exportClause?.elements;
      for (const { propertyName, name } of elements ?? []) add(moduleSpecifier, textOf(propertyName ?? name));
      // A namespace has no elements; an import without a clause takes no name.
      if (
        elements === undefined &&
        (importClause !== undefined || node.kind === SyntaxKind.ExportDeclaration)
      )
        add(moduleSpecifier, '*');
    }
    if (expression?.kind === SyntaxKind.ImportKeyword)
      for (const name of namesOfCall(node)) add(args?.[0], name);
    if (node.kind === SyntaxKind.ImportType) {
      const { argument, qualifier } = node as Statement;
      add(argument?.literal, qualifier === undefined ? '*' : nameOf(qualifier));
    }
    node.forEachChild(visit);
  };
  visit(file.tree);
  return found;
}

/** The names taken from `await import('…')`: those of a pattern or of a property, otherwise all. */
function namesOfCall(call: Node): string[] {
  let holder = call.parent as Statement;
  while (holder.kind === SyntaxKind.AwaitExpression || holder.kind === SyntaxKind.ParenthesizedExpression)
    holder = holder.parent as Statement;
  const { name } = holder;
  if (holder.kind === SyntaxKind.PropertyAccessExpression) return [textOf(name)];
  if (name?.kind !== SyntaxKind.ObjectBindingPattern) return ['*'];
  return (name.elements ?? []).map((element) => textOf(element.propertyName ?? element.name));
}

const textOf = (name: Node | undefined): string => (name === undefined ? '*' : nameOf(name));

/** The members that the nodes above may have. */
type Named = Node & { name?: Named; propertyName?: Node; elements?: readonly Named[] };
type Statement = Named & {
  modifiers?: readonly Node[];
  declarationList?: { declarations: readonly Named[] };
  moduleSpecifier?: Node;
  importClause?: { namedBindings?: Named };
  exportClause?: Named;
  expression?: Node;
  arguments?: readonly Node[];
  argument?: { literal?: Node };
  qualifier?: Node;
};
