import { isAbsolute, resolve } from 'node:path';
import { type Address, parseAddress } from '../common/address.ts';
import { parsePostgresUrl } from '../common/postgres-url.ts';
import { formatRootUri, parseRootUri, type RootUri } from '../common/root-uri.ts';

/**
 * Is thrown for a value of the wrong type or out of range; its message follows the key: `"listen" must be …`.
 */
export class ConfigValueError extends Error {
  override readonly name = 'ConfigValueError';
  readonly code = 'CONFIG_VALUE';
}

/**
 * Converts a value of TOML into one of the configuration. Relative paths start at `directory`.
 * @throws {ConfigValueError} when the value is of the wrong type or out of range.
 */
export type ValueReader<T> = (value: unknown, directory: string) => T;

/** Reads `HOST:PORT`. */
export const readAddress: ValueReader<Address> = (value) => {
  const parsed = typeof value === 'string' ? parseAddress(value) : undefined;
  if (parsed === undefined)
    throw new ConfigValueError('must be "HOST:PORT", such as "127.0.0.1:5696" or "[::]:5696"');
  return parsed;
};

/** Reads true or false. */
export const readBoolean: ValueReader<boolean> = (value) => {
  if (typeof value !== 'boolean') throw new ConfigValueError('must be true or false, without quotes');
  return value;
};

/** Reads a text that is not empty. */
export const readText: ValueReader<string> = (value) => {
  if (typeof value !== 'string') throw new ConfigValueError('must be a text in quotes');
  if (value === '') throw new ConfigValueError('must not be an empty text');
  return value;
};

/** Reads a list of texts that are not empty. */
export const readTexts: ValueReader<readonly string[]> = (value) => {
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'string' && entry !== ''))
    throw new ConfigValueError('must be a list of texts that are not empty, such as ["one", "two"]');
  return value;
};

/** Reads a path and makes it absolute. */
export const readPath: ValueReader<string> = (value, directory) =>
  absolutePath(readText(value, directory), directory);

/** Reads a list of paths and makes them absolute. */
export const readPaths: ValueReader<readonly string[]> = (value, directory) =>
  readTexts(value, directory).map((entry) => absolutePath(entry, directory));

/** Creates a reader of texts that are one of the choices. */
export const choiceOf =
  <const T extends string>(choices: readonly T[]): ValueReader<T> =>
  (value) => {
    const choice = choices.find((candidate) => candidate === value);
    if (choice !== undefined) return choice;
    throw new ConfigValueError(`must be one of ${choices.map((candidate) => `"${candidate}"`).join(', ')}`);
  };

/** Creates a reader of whole numbers from `min` to `max`. */
export const integerBetween =
  (min: number, max: number): ValueReader<number> =>
  (value) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    throw new ConfigValueError(`must be a whole number from ${min} to ${max}, without quotes`);
  };

/** Reads `sqlite:FILE`, and makes the path absolute, or `postgres://…`. */
export const readStoreUrl: ValueReader<string> = (value, directory) => {
  const url = typeof value === 'string' ? value : '';
  if (/^postgres(ql)?:\/\/./.test(url)) {
    const parsed = parsePostgresUrl(url);
    if (typeof parsed === 'string') throw new ConfigValueError(parsed);
    return url;
  }
  const file = /^sqlite:(.+)$/.exec(url)?.[1];
  if (file !== undefined) return `sqlite:${absolutePath(file, directory)}`;
  throw new ConfigValueError('must be "sqlite:FILE" or "postgres://USER@HOST/DATABASE"');
};

/** Reads the URI of a root, and makes its paths absolute. No message repeats it: a secret may be in it. */
export const readRootUri: ValueReader<RootUri> = (value, directory) => {
  const parsed = parseRootUri(readText(value, directory), directory);
  if (typeof parsed === 'string') throw new ConfigValueError(parsed);
  return parsed;
};

/** The most roots that a home may use at the same time. */
const maxRoots = 2;

/**
 * Reads the URI of a root, or a list of one or two of them: a home that moves from one to the other has both.
 */
export const readRootUris: ValueReader<readonly RootUri[]> = (value, directory) => {
  const uris = (Array.isArray(value) ? value : [value]).map((each) => readRootUri(each, directory));
  if (uris.length === 0 || uris.length > maxRoots || new Set(uris.map(formatRootUri)).size < uris.length)
    throw new ConfigValueError('must be one root, or a list of two different ones: ["NEW", "OLD"]');
  return uris;
};

/** Reads an HTTP or HTTPS URL in ASCII, as certificates require it (RFC 5280, 4.2.1.6: IA5String). */
export const readWebUrl: ValueReader<string> = (value) => {
  const url = typeof value === 'string' ? value : '';
  if (/^https?:\/\/[\x21-\x7e]{1,1000}$/.test(url) && URL.canParse(url)) return url;
  throw new ConfigValueError('must be a URL such as "http://pki.example.com/{issuer}.crl"');
};

/** Returns the URL of a store with its password replaced by ***, for messages. */
export function redactStoreUrl(url: string): string {
  return url
    .replace(/^(postgres(?:ql)?:\/\/[^:@/]*):.*@/, '$1:***@')
    .replace(/([?&]password=)[^&]*/, '$1***');
}

/** Whether a value of TOML is a table. */
export const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

const absolutePath = (file: string, base: string) => (isAbsolute(file) ? file : resolve(base, file));
