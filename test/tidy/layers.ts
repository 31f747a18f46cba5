import { type Import, importsOf, type SourceFile, withoutComments } from './source.ts';

/** A layer of the codebase: the files that belong to it, and the layers whose files they may import. */
interface Layer {
  readonly name: string;
  readonly files: RegExp;
  readonly mayImport: readonly string[];
}

const everyLayer = 'every layer';

/**
 * A file belongs to the first layer whose pattern fits. The order of dependence is codec → common → ports →
 * object → operations → protocol → net → management → daemon and cli → main. Every layer of src/ may use
 * `common`. `watch` observes and is given what it observes. An adapter implements a port and sees, besides
 * its own folder, no more than the ports do; `policy` restricts the port of the cryptography without an
 * adapter.
 */
export const layers: readonly Layer[] = [
  { name: 'codec', files: /^codec\//, mayImport: ['codec'] },
  { name: 'profiles', files: /^profiles\//, mayImport: ['codec', 'profiles'] },
  { name: 'certs', files: /^certs\//, mayImport: ['certs'] },
  { name: 'main', files: /^src\/main\.ts$/, mayImport: ['cli', 'daemon'] },
  { name: 'daemon', files: /^src\/daemon\//, mayImport: [everyLayer] },
  // Reads what no other layer knows any more, and writes by the adapters.
  { name: 'first-design', files: /^src\/first-design\//, mayImport: [everyLayer] },
  { name: 'cli', files: /^src\/cli\//, mayImport: [everyLayer] },
  { name: 'common', files: /^src\/common\//, mayImport: ['codec', 'common'] },
  { name: 'watch', files: /^src\/watch\//, mayImport: ['codec', 'common', 'watch'] },
  {
    name: 'port',
    files:
      /^src\/(audit\/(audit|entry-text)|store\/(store|columns|record-boxes|sealed-rows\/sealed-row-list)|vault\/(vault|value-errors|vault-status|roots\/root)|identity\/(principal|enrolment)|crypto\/[^/]+)\.ts$/,
    mayImport: ['codec', 'common', 'port'],
  },
  { name: 'audit', files: /^src\/audit\//, mayImport: ['codec', 'common', 'port', 'audit'] },
  { name: 'policy', files: /^src\/crypto\/policy\//, mayImport: ['codec', 'common', 'port', 'policy'] },
  {
    name: 'adapter',
    files: /^src\/(store|vault|token|crypto|audit)\//,
    // The writer of PKCS#12 files is the one of certs/.
    mayImport: ['codec', 'common', 'port', 'adapter', 'certs'],
  },
  { name: 'object', files: /^src\/object\//, mayImport: ['codec', 'common', 'port', 'object'] },
  { name: 'identity', files: /^src\/identity\//, mayImport: ['codec', 'common', 'port', 'identity'] },
  { name: 'config', files: /^src\/config\//, mayImport: ['common', 'port', 'policy', 'identity', 'config'] },
  {
    name: 'operations',
    files: /^src\/operations\//,
    mayImport: ['codec', 'common', 'port', 'object', 'operations', 'profiles'],
  },
  {
    name: 'protocol',
    files: /^src\/protocol\//,
    mayImport: ['codec', 'common', 'watch', 'port', 'object', 'identity', 'operations', 'protocol'],
  },
  {
    name: 'net',
    files: /^src\/net\//,
    mayImport: ['codec', 'common', 'watch', 'port', 'identity', 'protocol', 'net'],
  },
  {
    name: 'management',
    files: /^src\/management\//,
    mayImport: ['certs', 'codec', 'common', 'port', 'audit', 'object', 'identity', 'protocol', 'management'],
  },
];

const layerOf = (path: string): Layer | undefined => layers.find((layer) => layer.files.test(path));
const folderOf = (path: string): string => path.split('/').slice(0, 2).join('/');
const declaresOperation = (file: SourceFile): boolean =>
  /\boperation(?:<[^(]*>)?\(\s*\{/.test(withoutComments(file.text));

/** Every import that goes against the order of dependence, and every file that belongs to no layer. */
export function wrongImports(files: readonly SourceFile[]): string[] {
  const operations = new Set(
    files
      .filter((file) => /^src\/operations\//.test(file.path) && declaresOperation(file))
      .map((file) => file.path),
  );
  return files
    .filter((file) => /^(codec|profiles|certs|src)\/.*\.ts$/.test(file.path))
    .flatMap((file) => {
      const layer = layerOf(file.path);
      if (layer === undefined)
        return [`${file.path}: belongs to no layer; name its layer in test/tidy/layers.ts`];
      return importsOf(file).flatMap((statement) => {
        const wrong =
          statement.target === undefined
            ? wrongPackage(file, layer, statement.specifier)
            : (wrongFile(file, layer, statement, statement.target) ??
              wrongOperation(file, statement.target, operations));
        return wrong === undefined ? [] : [`${file.path}: imports ${statement.specifier}: ${wrong}`];
      });
    });
}

function wrongPackage(file: SourceFile, layer: Layer, specifier: string): string | undefined {
  if (layer.name === 'codec' && !(file.path === 'codec/wire/xml.ts' && specifier === 'saxes'))
    return 'the codec depends on nothing but itself and, in codec/wire/xml.ts, one XML parser';
  if (layer.name === 'profiles') return 'profiles are data';
  if (layer.name === 'operations') return 'an operation gets what it needs from its context';
  if (layer.name === 'port' && specifier !== 'node:stream') return 'a port is an interface';
  return undefined;
}

function wrongFile(file: SourceFile, layer: Layer, { dynamic }: Import, target: string): string | undefined {
  const other = layerOf(target);
  if (other === undefined) return `${target} belongs to no layer`;
  if (other.name === 'main') return 'nothing imports main.ts';
  if (layer.mayImport.includes(everyLayer)) return undefined;
  if (!layer.mayImport.includes(other.name)) return `${layer.name} may not depend on ${other.name}`;
  if (layer.name === 'main' && other.name === 'daemon' && !dynamic)
    return 'main loads the daemon with import(), so that other commands start without it';
  if (layer.name === 'adapter' && other.name === 'adapter' && folderOf(file.path) !== folderOf(target))
    return 'an adapter knows no other adapter';
  return undefined;
}

function wrongOperation(
  file: SourceFile,
  target: string,
  operations: ReadonlySet<string>,
): string | undefined {
  if (!operations.has(target) || file.path === 'src/operations/index.ts') return undefined;
  return file.path.startsWith('src/operations/') ? 'an operation imports no other operation' : undefined;
}

/**
 * Imports between the families (sub-folders) of src/operations, and those from a file beside them into a
 * family. Families share what stands beside them, so each can be read and changed alone. index.ts lists all
 * operations.
 */
export function importsBetweenFamilies(files: readonly SourceFile[]): string[] {
  const familyOf = (path: string | undefined): string | undefined =>
    path === undefined ? undefined : /^src\/operations\/([^/]+)\//.exec(path)?.[1];
  return files
    .filter(({ path }) => /^src\/operations\/.*\.ts$/.test(path) && path !== 'src/operations/index.ts')
    .flatMap((file) => {
      const from = familyOf(file.path);
      return importsOf(file).flatMap(({ specifier, target }) => {
        const to = familyOf(target);
        if (to === undefined || to === from) return [];
        const importer = from === undefined ? 'a file beside the families' : `the family ${from}`;
        return [`${file.path}: imports ${specifier}: ${importer} may not depend on the family ${to}`];
      });
    });
}

/**
 * A cycle in a table of layers, as `a → b → a`; undefined when each layer can come after all that it imports.
 */
export function layerCycle(table: readonly Layer[]): string | undefined {
  const finished = new Set<string>();
  const visit = (name: string, trail: readonly string[]): string | undefined => {
    if (trail.includes(name)) return [...trail.slice(trail.indexOf(name)), name].join(' → ');
    if (finished.has(name)) return undefined;
    for (const next of table.find((layer) => layer.name === name)?.mayImport ?? []) {
      const cycle = next === name ? undefined : visit(next, [...trail, name]);
      if (cycle !== undefined) return cycle;
    }
    finished.add(name);
    return undefined;
  };
  return table.map((layer) => visit(layer.name, [])).find((cycle) => cycle !== undefined);
}
