import { isAbsolute, resolve } from 'node:path';

/** Where the root of a database comes from, as the configuration names it. */
export type RootUri = SingleRootUri | JoinedRootUri;

/** Several roots, all of which are needed. */
export interface JoinedRootUri {
  readonly kind: 'all-of';
  readonly parts: readonly SingleRootUri[];
}

export type SingleRootUri =
  | { readonly kind: 'file'; readonly path: string }
  /** In a file, in a credential of systemd, or, with neither, typed by an operator. */
  | { readonly kind: 'passphrase'; readonly file?: string; readonly credential?: string }
  | { readonly kind: 'credential'; readonly name: string }
  | { readonly kind: 'shares'; readonly threshold: number; readonly parts: number }
  /** RFC 7512; a token opens it. */
  | { readonly kind: 'pkcs11'; readonly uri: string };

const forms =
  'file:PATH, passphrase:, passphrase:file=PATH, passphrase:credential=NAME, credential:NAME, shares:K/N, pkcs11:…, or all-of:URI+URI';
const maxLength = 4_096;
/** The most shares of a root, and the most roots that are joined. */
const maxShares = 32;
const maxParts = 4;

/**
 * Parses a URI; relative paths in it start at `directory`. Returns what is wrong with it, which follows the
 * name of a setting, as a text.
 */
export function parseRootUri(text: string, directory: string): RootUri | string {
  if (text.length > maxLength) return `must have at most ${maxLength} characters`;
  if (/\p{Cc}|\ufffd/u.test(text)) return 'must have no control characters, and be UTF-8';
  if (!text.startsWith('all-of:')) return parseSingle(text, directory);
  // A plus sign of a path is one of the path unless a URI begins behind it.
  const texts = text
    .slice('all-of:'.length)
    .split(/\+(?=(?:file|passphrase|credential|shares|pkcs11|all-of):)/);
  const parts: SingleRootUri[] = [];
  for (const each of texts) {
    const part = parseSingle(each, directory);
    if (typeof part === 'string') return part;
    parts.push(part);
  }
  const names = new Set(parts.map(formatSingle));
  if (parts.length < 2 || parts.length > maxParts || names.size < parts.length)
    return `must join 2 to ${maxParts} different roots, such as "all-of:file:/keys/root.key+credential:root"`;
  const given = parts.filter((part) => isAttendedRoot(part));
  if (new Set(given.map(({ kind }) => kind)).size < given.length)
    return 'must not join two roots that operators give by the same means';
  return { kind: 'all-of', parts };
}

function parseSingle(text: string, directory: string): SingleRootUri | string {
  const at = text.indexOf(':');
  const rest = text.slice(at + 1);
  switch (at < 0 ? '' : text.slice(0, at)) {
    case 'file':
      return rest === ''
        ? 'must name a file: "file:PATH"'
        : { kind: 'file', path: absolute(rest, directory) };
    case 'passphrase':
      return parsePassphrase(rest, directory);
    case 'credential':
      return isCredentialName(rest) ? { kind: 'credential', name: rest } : wrongCredential;
    case 'shares':
      return parseShares(rest);
    case 'pkcs11':
      // Configuration files are copied and shown.
      if (/[?&]pin-value=/i.test(rest)) return 'must not contain a PIN: name a file by pin-source=file:PATH';
      return rest === ''
        ? 'must name a token and a key: "pkcs11:token=…;object=…"'
        : { kind: 'pkcs11', uri: text };
    default:
      return `must be one of ${forms}`;
  }
}

const wrongCredential = 'must name a credential of systemd, such as "credential:root"';

function parsePassphrase(rest: string, directory: string): SingleRootUri | string {
  if (rest === '') return { kind: 'passphrase' };
  const [, by, value = ''] = /^(file|credential)=(.+)$/s.exec(rest) ?? [];
  if (by === 'file') return { kind: 'passphrase', file: absolute(value, directory) };
  if (by === 'credential')
    return isCredentialName(value) ? { kind: 'passphrase', credential: value } : wrongCredential;
  // Command lines and configurations can be read; this text must not be repeated.
  return 'must not contain the passphrase: it is typed for "passphrase:", or in a file, "passphrase:file=PATH"';
}

function parseShares(rest: string): SingleRootUri | string {
  const [, first, second] = /^([1-9][0-9]?)\/([1-9][0-9]?)$/.exec(rest) ?? [];
  const [threshold, parts] = [Number(first), Number(second)];
  if (threshold >= 2 && threshold <= parts && parts <= maxShares) return { kind: 'shares', threshold, parts };
  return `must be "shares:K/N", K of N shares, 2 to ${maxShares} of them, such as "shares:3/5"`;
}

/** Names of systemd are those of files. */
function isCredentialName(name: string): boolean {
  return name.length <= 255 && /^[^/]+$/.test(name) && name !== '.' && name !== '..';
}

const absolute = (path: string, directory: string) => (isAbsolute(path) ? path : resolve(directory, path));

/** Returns the text of a URI, which has no secrets, with absolute paths. */
export function formatRootUri(uri: RootUri): string {
  return uri.kind === 'all-of' ? `all-of:${uri.parts.map(formatSingle).join('+')}` : formatSingle(uri);
}

function formatSingle(uri: SingleRootUri): string {
  switch (uri.kind) {
    case 'file':
      return `file:${uri.path}`;
    case 'passphrase':
      if (uri.file !== undefined) return `passphrase:file=${uri.file}`;
      return uri.credential === undefined ? 'passphrase:' : `passphrase:credential=${uri.credential}`;
    case 'credential':
      return `credential:${uri.name}`;
    case 'shares':
      return `shares:${uri.threshold}/${uri.parts}`;
    case 'pkcs11':
      return uri.uri;
  }
}

/** Returns the roots of a URI: those that are joined, or the one. */
export function partsOf(uri: RootUri): readonly SingleRootUri[] {
  return uri.kind === 'all-of' ? uri.parts : [uri];
}

/** Returns the paths of the files among roots. */
export function rootFilesOf(roots: readonly RootUri[]): readonly string[] {
  return roots.flatMap(partsOf).flatMap((part) => (part.kind === 'file' ? [part.path] : []));
}

/** Whether people have to give something before the root opens. */
export function isAttendedRoot(uri: RootUri): boolean {
  return partsOf(uri).some(
    (part) =>
      part.kind === 'shares' ||
      (part.kind === 'passphrase' && part.file === undefined && part.credential === undefined),
  );
}
