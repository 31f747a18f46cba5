import { importsOf, type SourceFile } from './source.ts';

/** Which nodes each node points to. */
export type Graph = ReadonlyMap<string, ReadonlySet<string>>;

const product = /^(src|codec|certs|profiles)\/.*\.ts$/;

/** Groups of product files that import each other, type imports included: one finding for each group. */
export function fileCycles(files: readonly SourceFile[]): string[] {
  return cyclesOf(importGraph(files, (path) => path));
}

/**
 * Parts of src/crypto, src/protocol and src/cli that import each other. A sub-folder is one part; a file
 * beside the sub-folders is a part of its own, because some of these files stand above every sub-folder
 * (protocol/create-service.ts) and some below (protocol/service.ts).
 */
export function folderCycles(files: readonly SourceFile[]): string[] {
  return ['src/crypto', 'src/protocol', 'src/cli'].flatMap((folder) => {
    const inside = files.filter(({ path }) => path.startsWith(`${folder}/`));
    return cyclesOf(importGraph(inside, partOf));
  });
}

/**
 * `src/x/y/` for a file in a sub-folder of src/x, however deep; the path itself for a file directly in src/x.
 */
export function partOf(path: string): string {
  const [top, layer, family, ...rest] = path.split('/');
  return rest.length > 0 ? `${top}/${layer}/${family}/` : path;
}

/**
 * The imports between product files, each file replaced by the part it belongs to. Imports inside a part are
 * left out.
 */
function importGraph(files: readonly SourceFile[], part: (path: string) => string): Graph {
  const sources = files.filter(({ path }) => product.test(path));
  const paths = new Set(sources.map(({ path }) => path));
  const graph = new Map<string, Set<string>>();
  for (const file of sources) {
    const targets = graph.get(part(file.path)) ?? new Set();
    graph.set(part(file.path), targets);
    for (const { target } of importsOf(file)) {
      if (target === undefined || !paths.has(target)) continue;
      if (target === file.path || part(target) !== part(file.path)) targets.add(part(target));
    }
  }
  return graph;
}

/**
 * One shortest cycle `a → b → a` for each strongly connected component, and how many nodes the component has
 * beside it.
 */
export function cyclesOf(graph: Graph): string[] {
  const left = new Set([...graph.keys()].sort());
  const found: string[] = [];
  for (const node of left) {
    const component = [...reach(graph, node)].filter((other) => reach(graph, other).has(node)).sort();
    for (const member of component) left.delete(member);
    if (component.length === 0) continue;
    const cycles = component.map((member) => shortestCycle(graph, member));
    const shortest = cycles.reduce((best, cycle) => (cycle.length < best.length ? cycle : best));
    const others = component.length - (shortest.length - 1);
    found.push(`${shortest.join(' → ')}${others > 0 ? ` (and ${others} more in the same component)` : ''}`);
  }
  return found;
}

/** Every node that a path of at least one arrow leads to. */
function reach(graph: Graph, from: string): Set<string> {
  const seen = new Set<string>();
  const open = [...(graph.get(from) ?? [])];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    open.push(...(graph.get(node) ?? []));
  }
  return seen;
}

/** The shortest path from a node back to itself; the node lies on a cycle. */
function shortestCycle(graph: Graph, from: string): string[] {
  const trails: string[][] = [[from]];
  const seen = new Set<string>();
  for (const trail of trails) {
    for (const next of graph.get(trail.at(-1) as string) ?? []) {
      if (next === from) return [...trail, from];
      if (!seen.has(next)) trails.push([...trail, next]);
      seen.add(next);
    }
  }
  throw new Error(`${from} lies on no cycle`);
}
