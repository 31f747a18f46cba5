import { importsOf, type SourceFile, withoutComments } from './source.ts';

/** A room of the house: the files that belong to it, and the rooms whose files they may import. */
interface Room {
  readonly name: string;
  readonly files: RegExp;
  readonly mayImport: readonly string[];
}

const everyRoom = 'every room';

/**
 * The first room whose pattern fits is the file's. The order of dependence is codec → ports → object → operations →
 * protocol → net → main and cli. `leaf` files may be used from everywhere in src/. An adapter implements a port and
 * sees, besides its own folder, no more than the ports do.
 */
export const rooms: readonly Room[] = [
  { name: 'codec', files: /^codec\//, mayImport: ['codec'] },
  { name: 'profiles', files: /^profiles\//, mayImport: ['codec', 'profiles'] },
  { name: 'certs', files: /^certs\//, mayImport: ['certs'] },
  { name: 'main', files: /^src\/main\.ts$/, mayImport: [everyRoom] },
  { name: 'cli', files: /^src\/(cli|daemon)\//, mayImport: [everyRoom] },
  {
    name: 'leaf',
    files: /^src\/(common|watch)\//,
    mayImport: ['codec', 'leaf'],
  },
  {
    name: 'port',
    files:
      /^src\/(store\/store|vault\/vault|crypto\/[^/]+|crypto\/policy\/(?!fips\.)[^/]+|identity\/(principal|enrolment))\.ts$/,
    mayImport: ['codec', 'leaf', 'port'],
  },
  {
    name: 'adapter',
    files: /^src\/(store|vault|crypto)\//,
    // The writer of PKCS#12 bundles is the one of certs/.
    mayImport: ['codec', 'leaf', 'port', 'adapter', 'certs'],
  },
  { name: 'object', files: /^src\/object\//, mayImport: ['codec', 'leaf', 'port', 'object'] },
  { name: 'identity', files: /^src\/identity\//, mayImport: ['codec', 'leaf', 'port', 'identity'] },
  { name: 'config', files: /^src\/config\//, mayImport: ['leaf', 'port', 'identity', 'config'] },
  {
    name: 'operations',
    files: /^src\/operations\//,
    mayImport: ['codec', 'leaf', 'port', 'object', 'operations', 'profiles'],
  },
  {
    name: 'protocol',
    files: /^src\/protocol\//,
    mayImport: ['codec', 'leaf', 'port', 'object', 'identity', 'operations', 'protocol'],
  },
  {
    name: 'net',
    files: /^src\/net\//,
    mayImport: ['codec', 'leaf', 'port', 'identity', 'protocol', 'net'],
  },
];

const roomOf = (path: string): Room | undefined => rooms.find((room) => room.files.test(path));
const folderOf = (path: string): string => path.split('/').slice(0, 2).join('/');
const declaresOperation = (file: SourceFile): boolean =>
  /\boperation(?:<[^(]*>)?\(\s*\{/.test(withoutComments(file.text));

/** Every import that goes against the order of dependence, and every file that stands in no room. */
export function wrongImports(files: readonly SourceFile[]): string[] {
  const operations = new Set(
    files
      .filter((file) => /^src\/operations\//.test(file.path) && declaresOperation(file))
      .map((file) => file.path),
  );
  return files
    .filter((file) => /^(codec|profiles|certs|src)\/.*\.ts$/.test(file.path))
    .flatMap((file) => {
      const room = roomOf(file.path);
      if (room === undefined) return [`${file.path}: stands in no room; name it in test/tidy/layers.ts`];
      return importsOf(file).flatMap(({ specifier, target }) => {
        const wrong =
          target === undefined
            ? wrongPackage(file, room, specifier)
            : wrongFile(file, room, target, operations);
        return wrong === undefined ? [] : [`${file.path}: imports ${specifier}: ${wrong}`];
      });
    });
}

function wrongPackage(file: SourceFile, room: Room, specifier: string): string | undefined {
  if (room.name === 'codec' && !(file.path === 'codec/wire/xml.ts' && specifier === 'saxes'))
    return 'the codec depends on nothing but itself and, in codec/wire/xml.ts, one XML parser';
  if (room.name === 'profiles') return 'profiles are data';
  if (room.name === 'operations') return 'an operation gets what it needs from its context';
  if (room.name === 'port' && specifier !== 'node:stream') return 'a port is an interface';
  return undefined;
}

function wrongFile(
  file: SourceFile,
  room: Room,
  target: string,
  operations: ReadonlySet<string>,
): string | undefined {
  const other = roomOf(target);
  if (other === undefined) return `${target} stands in no room`;
  if (room.mayImport.includes(everyRoom))
    return other.name === 'main' ? 'nothing imports main.ts' : undefined;
  if (!room.mayImport.includes(other.name)) return `${room.name} may not depend on ${other.name}`;
  if (room.name === 'adapter' && other.name === 'adapter' && folderOf(file.path) !== folderOf(target))
    return 'an adapter knows no other adapter';
  if (operations.has(target) && file.path !== 'src/operations/index.ts' && room.name === 'operations')
    return 'an operation imports no other operation';
  return undefined;
}

/** A ring of rooms in a table of rooms, as `a → b → a`; undefined when there is an order in which each comes after what it imports. */
export function ringOf(table: readonly Room[]): string | undefined {
  const finished = new Set<string>();
  const visit = (name: string, trail: readonly string[]): string | undefined => {
    if (trail.includes(name)) return [...trail.slice(trail.indexOf(name)), name].join(' → ');
    if (finished.has(name)) return undefined;
    for (const next of table.find((room) => room.name === name)?.mayImport ?? []) {
      const ring = next === name ? undefined : visit(next, [...trail, name]);
      if (ring !== undefined) return ring;
    }
    finished.add(name);
    return undefined;
  };
  return table.map((room) => visit(room.name, [])).find((ring) => ring !== undefined);
}
