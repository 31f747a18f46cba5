import { isAbsolute, resolve } from 'node:path';
import { VaultUnavailableError } from '../vault/vault.ts';

/**
 * URIs of PKCS #11 tokens and keys, RFC 7512:
 *
 *     pkcs11:token=LABEL;object=NAME?module-path=/usr/lib/vendor.so&pin-source=file:/etc/kmipd/pin
 *
 * kmipd takes those attributes that choose a token and one key in it, and refuses every other one: RFC 7512
 * section 2.3 lets an attribute that is not understood never match.
 */

/** Where the PIN is; never the PIN itself. */
export type PinSource =
  | { readonly kind: 'file'; readonly path: string }
  /** A systemd credential, a file of that name in $CREDENTIALS_DIRECTORY. */
  | { readonly kind: 'credential'; readonly name: string };

/** A token, the key in it, and what opens it. An attribute that is absent matches everything. */
export interface TokenUri {
  /** The URI as it was written; nothing in it is secret. */
  readonly text: string;
  readonly token?: string;
  readonly manufacturer?: string;
  readonly model?: string;
  readonly serial?: string;
  /** CK_SLOT_ID. */
  readonly slotId?: number;
  /** CKA_LABEL of the key. */
  readonly object?: string;
  /** CKA_ID of the key. */
  readonly id?: Uint8Array;
  /** CKA_CLASS of the key. */
  readonly type?: 'secret-key' | 'private';
  /** Absolute path of the vendor's library. */
  readonly modulePath: string;
  readonly pinSource?: PinSource;
  /** Names of the environment variables that the library gets; it gets no other. */
  readonly environment: readonly string[];
}

/**
 * Returns a text that is the same for all URIs whose logins count at one token: those that name the same
 * library, token and source of the PIN. It has nothing secret.
 */
export function describeLogin(uri: TokenUri): string {
  const { modulePath, token, manufacturer, model, serial, slotId, pinSource } = uri;
  return JSON.stringify([modulePath, token, manufacturer, model, serial, slotId, pinSource]);
}

/** The longest URI in UTF-16 units, so that it fits into a frame and a file of a line. */
const maxLength = 1_024;

/** Bytes of the fields of CK_TOKEN_INFO, and of CKA_LABEL and CKA_ID as kmipd takes them. */
const maxTextBytes: Readonly<Record<string, number>> = {
  token: 32,
  manufacturer: 32,
  model: 16,
  serial: 16,
  object: 128,
  id: 128,
};

const pathNames: ReadonlySet<string> = new Set([...Object.keys(maxTextBytes), 'slot-id', 'type']);
const queryNames: ReadonlySet<string> = new Set(['module-path', 'pin-source', 'kmipd-environment']);

/** Why kmipd does not take an attribute that RFC 7512 has. */
const refusals: Readonly<Record<string, string>> = {
  'pin-value':
    'would put the PIN into configuration files and command lines; write it to a file of mode 0600 and use pin-source=file:FILE',
  'module-name': 'leaves open which file is loaded; use module-path=FILE',
};

/** pk11-pchar and pk11-qchar of RFC 7512 section 2.3. */
const pathValue = /^(?:[A-Za-z0-9\-._~:[\]@!$'()*+,=&]|%[0-9A-Fa-f]{2})*$/;
const queryValue = /^(?:[A-Za-z0-9\-._~:[\]@!$'()*+,=/?|]|%[0-9A-Fa-f]{2})*$/;

/** Variables by which Node or the loader would run other code than the vendor's library. */
const refusedVariable = /^(?:NODE_|LD_PRELOAD$|LD_AUDIT$)/;

/**
 * Parses the URI of a key in a token. `directory` is where relative paths begin.
 *
 * @throws {VaultUnavailableError} with one line for the operator when kmipd cannot use it; the line never
 * quotes a value, because a PIN may stand where it does not belong.
 */
export function parseTokenUri(text: string, directory: string): TokenUri {
  const scheme = /^pkcs11:/i.exec(text);
  if (scheme === null) throw refuse('it does not begin with pkcs11:');
  if (text.length > maxLength) throw refuse(`it has more than ${maxLength} characters`);
  const [path = '', query, ...more] = text.slice(scheme[0].length).split('?');
  // A query may contain further question marks.
  const queryText = query === undefined ? '' : [query, ...more].join('?');
  const inPath = readAttributes(path, ';', pathNames, pathValue);
  const inQuery = readAttributes(queryText, '&', queryNames, queryValue);
  const modulePath = inQuery.get('module-path');
  if (modulePath === undefined) throw refuse('it names no library; add ?module-path=FILE');
  const pinSource = inQuery.get('pin-source');
  const id = inPath.get('id');
  const type = inPath.get('type');
  const slotId = inPath.get('slot-id');
  return {
    text,
    ...readTexts(inPath),
    ...(slotId === undefined ? {} : { slotId: readSlotId(readText('slot-id', slotId)) }),
    ...(id === undefined ? {} : { id }),
    ...(type === undefined ? {} : { type: readType(readText('type', type)) }),
    modulePath: readPath('module-path', readText('module-path', modulePath), directory),
    ...(pinSource === undefined
      ? {}
      : { pinSource: readPinSource(readText('pin-source', pinSource), directory) }),
    environment: readVariables(inQuery.get('kmipd-environment')),
  };
}

/** Returns the decoded bytes of each attribute of a part of the URI. */
function readAttributes(
  part: string,
  separator: string,
  names: ReadonlySet<string>,
  value: RegExp,
): Map<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  if (part === '') return found;
  for (const attribute of part.split(separator)) {
    const at = attribute.indexOf('=');
    const name = at < 0 ? attribute : attribute.slice(0, at);
    if (!/^[A-Za-z0-9_-]{1,32}$/.test(name) || at < 0)
      throw refuse(`its parts are NAME=VALUE, with ${separator} between them`);
    if (refusals[name] !== undefined) throw refuse(`${name} ${refusals[name]}`);
    if (!names.has(name))
      throw refuse(`kmipd does not know ${name} there; it knows ${[...names].join(', ')}`);
    if (found.has(name)) throw refuse(`it has ${name} twice`);
    const encoded = attribute.slice(at + 1);
    if (!value.test(encoded))
      throw refuse(`the value of ${name} has characters that must be written as %XX (RFC 7512)`);
    const bytes = decodePercent(encoded);
    if (bytes.length === 0) throw refuse(`the value of ${name} is empty`);
    if (bytes.length > (maxTextBytes[name] ?? maxLength))
      throw refuse(`the value of ${name} has more than ${maxTextBytes[name] ?? maxLength} bytes`);
    found.set(name, bytes);
  }
  return found;
}

function decodePercent(encoded: string): Uint8Array {
  const characters = encoded.match(/%..|[^%]/g) ?? [];
  return Uint8Array.from(characters, (character) =>
    character.length === 3 ? Number.parseInt(character.slice(1), 16) : character.charCodeAt(0),
  );
}

function readText(name: string, bytes: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refuse(`the value of ${name} is not UTF-8`);
  }
  if (/\p{Cc}/u.test(text)) throw refuse(`the value of ${name} has control characters`);
  return text;
}

type TextName = 'token' | 'manufacturer' | 'model' | 'serial' | 'object';

function readTexts(attributes: ReadonlyMap<string, Uint8Array>): Partial<Record<TextName, string>> {
  const texts: Partial<Record<TextName, string>> = {};
  for (const name of ['token', 'manufacturer', 'model', 'serial', 'object'] as const) {
    const bytes = attributes.get(name);
    if (bytes !== undefined) texts[name] = readText(name, bytes);
  }
  return texts;
}

function readSlotId(text: string): number {
  if (!/^[0-9]{1,15}$/.test(text)) throw refuse('slot-id must be a decimal number');
  return Number(text);
}

function readType(text: string): 'secret-key' | 'private' {
  if (text === 'secret-key' || text === 'private') return text;
  throw refuse('type must be secret-key or private');
}

function readPath(name: string, path: string, directory: string): string {
  if (path.endsWith('/')) throw refuse(`${name} names a directory, not a file`);
  return isAbsolute(path) ? path : resolve(directory, path);
}

function readPinSource(text: string, directory: string): PinSource {
  const credential = /^credential:([A-Za-z0-9_-][A-Za-z0-9._-]{0,254})$/.exec(text)?.[1];
  if (credential !== undefined) return { kind: 'credential', name: credential };
  // RFC 8089 has both `file:/path` and `file:///path`; a host before the path would not be this one.
  const path = /^file:(?:\/\/(?=\/))?((?!\/\/).+)$/.exec(text)?.[1];
  if (path !== undefined) return { kind: 'file', path: readPath('pin-source', path, directory) };
  if (text.startsWith('|')) throw refuse('pin-source names a program; kmipd runs none, use file:FILE');
  throw refuse('pin-source must be file:FILE or credential:NAME');
}

function readVariables(bytes: Uint8Array | undefined): readonly string[] {
  if (bytes === undefined) return [];
  const names = readText('kmipd-environment', bytes).split(',');
  for (const name of names) {
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(name))
      throw refuse('kmipd-environment must be names of variables with commas between them');
    if (refusedVariable.test(name)) throw refuse(`kmipd-environment may not have ${name}`);
  }
  return names;
}

function refuse(why: string): VaultUnavailableError {
  return new VaultUnavailableError(`this URI of a token cannot be used: ${why}`);
}
