import { isAbsolute, resolve } from 'node:path';
import { type Address, parseAddress } from '../common/address.ts';

/** A value of the wrong type or out of range; the message follows the key: `"listen" must be …`. */
export class ConfigValueError extends Error {
  override readonly name = 'ConfigValueError';
  readonly code = 'CONFIG_VALUE';
}

/** Turns what TOML holds into what the house uses. `home` is where relative paths begin. Throws WrongValue. */
export type ValueReader<T> = (value: unknown, directory: string) => T;

export const readAddress: ValueReader<Address> = (value) => {
  const parsed = typeof value === 'string' ? parseAddress(value) : undefined;
  if (parsed === undefined)
    throw new ConfigValueError('must be "HOST:PORT", such as "127.0.0.1:5696" or "[::]:5696"');
  return parsed;
};

export const readBoolean: ValueReader<boolean> = (value) => {
  if (typeof value !== 'boolean') throw new ConfigValueError('must be true or false, without quotes');
  return value;
};

export const readText: ValueReader<string> = (value) => {
  if (typeof value !== 'string' || value === '') throw new ConfigValueError('must be a text in quotes');
  return value;
};

export const readTexts: ValueReader<readonly string[]> = (value, directory) => {
  if (!Array.isArray(value)) throw new ConfigValueError('must be a list of texts, such as ["one", "two"]');
  return value.map((entry) => readText(entry, directory));
};

export const readPath: ValueReader<string> = (value, directory) =>
  absolutePath(readText(value, directory), directory);

export const readPaths: ValueReader<readonly string[]> = (value, directory) =>
  readTexts(value, directory).map((entry) => absolutePath(entry, directory));

export const choiceOf =
  <const T extends string>(choices: readonly T[]): ValueReader<T> =>
  (value) => {
    const choice = choices.find((candidate) => candidate === value);
    if (choice !== undefined) return choice;
    throw new ConfigValueError(`must be one of ${choices.map((candidate) => `"${candidate}"`).join(', ')}`);
  };

export const integerBetween =
  (min: number, max: number): ValueReader<number> =>
  (value) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    throw new ConfigValueError(`must be a whole number from ${min} to ${max}, without quotes`);
  };

/** `sqlite:FILE` with the file made absolute, or `postgres://…` as it is. */
export const readStoreUrl: ValueReader<string> = (value, directory) => {
  const url = typeof value === 'string' ? value : '';
  if (/^postgres(ql)?:\/\/./.test(url) && URL.canParse(url)) return url;
  const file = /^sqlite:(.+)$/.exec(url)?.[1];
  if (file !== undefined) return `sqlite:${absolutePath(file, directory)}`;
  throw new ConfigValueError('must be "sqlite:FILE" or "postgres://USER@HOST/DATABASE"');
};

/** An address of the web that certificates can carry, i.e. in ASCII. */
export const readWebUrl: ValueReader<string> = (value) => {
  const url = typeof value === 'string' ? value : '';
  if (/^https?:\/\/[\x21-\x7e]{1,1000}$/.test(url) && URL.canParse(url)) return url;
  throw new ConfigValueError('must be a URL such as "http://pki.example.com/{issuer}.crl"');
};

/** A store's address without its password, for messages. */
export function redactStoreUrl(url: string): string {
  return url
    .replace(/^(postgres(?:ql)?:\/\/[^:@/]*):.*@/, '$1:***@')
    .replace(/([?&]password=)[^&]*/, '$1***');
}

const absolutePath = (file: string, base: string) => (isAbsolute(file) ? file : resolve(base, file));
