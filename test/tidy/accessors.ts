import { finding, type SourceFile } from './source.ts';
import { type Node, parseFiles, SyntaxKind, startOf, walk } from './syntax.ts';

/** The folders whose functions run for every message. */
const perMessage = /^(codec|src\/(net|object|operations|protocol\/(authentication|batch|unit-of-work)))\//;

const accessors: ReadonlySet<SyntaxKind> = new Set([SyntaxKind.GetAccessor, SyntaxKind.SetAccessor]);

/**
 * Getters and setters in object literals, in the folders whose functions run for every message. V8 makes a
 * map of its own for each such object, and maps are never young: all that the getter refers to stays in
 * memory until the next full collection. With four of them a Get took 1.6 times the processor time. A class
 * has its accessors on the prototype.
 */
export function accessorLiterals(files: readonly SourceFile[]): string[] {
  return parseFiles(files.filter(({ path }) => perMessage.test(path))).flatMap((file) => {
    const found: string[] = [];
    walk(file.tree, (node) => {
      if (node.kind !== SyntaxKind.ObjectLiteralExpression) return;
      node.forEachChild((member: Node) => {
        if (accessors.has(member.kind))
          found.push(finding(file, startOf(member), 'an accessor in an object literal: write a class'));
      });
    });
    return found;
  });
}
