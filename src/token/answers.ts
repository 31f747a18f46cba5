import {
  decodeJson,
  type MechanismDescription,
  type MechanismPage,
  type TokenDescription,
  TokenFailure,
  type TokenKeyDescription,
  toOneLine,
} from './messages.ts';
import { findWrappingFormat } from './wrapping-formats.ts';

/**
 * Decodes what the process of the token says. A vendor's library runs there and may have written over
 * anything, so every field is checked, and no text has more than one line.
 */

/** A token has fewer mechanisms; one that says more would be asked for ever. */
const maxMechanisms = 4_096;

/** Decodes one field. @throws {TypeError} when it has another type. */
type Decoder<T> = (value: unknown) => T;

const text: Decoder<string> = (value) => {
  if (typeof value !== 'string') throw new TypeError('no text');
  return toOneLine(value);
};

const wholeNumber: Decoder<number> = (value) => {
  // The largest CK_ULONG, which tokens use for what they do not know, is beyond the safe ones.
  if (!Number.isInteger(value) || (value as number) < 0) throw new TypeError('no whole number');
  return value as number;
};

const boolean: Decoder<boolean> = (value) => {
  if (typeof value !== 'boolean') throw new TypeError('neither true nor false');
  return value;
};

const booleanOrNull: Decoder<boolean | null> = (value) => (value === null ? null : boolean(value));

const rootId: Decoder<string> = (value) => {
  if (typeof value !== 'string' || !/^[0-9a-f]{16}$/.test(value)) throw new TypeError('no name of a root');
  return value;
};

const wrappingFormat: Decoder<number> = (value) => {
  if (findWrappingFormat(wholeNumber(value)) === undefined) throw new TypeError('no format');
  return value as number;
};

const wrappingWay: Decoder<'encrypt' | 'wrap'> = (value) => {
  if (value !== 'encrypt' && value !== 'wrap') throw new TypeError('no way of wrapping');
  return value;
};

type Decoders<T> = { readonly [Name in keyof T]: Decoder<T[Name]> };

/** Returns the fields that have decoders, and no other. */
function decodeFields<T>(value: unknown, decoders: Decoders<T>): T {
  if (typeof value !== 'object' || value === null) throw new TypeError('no object');
  const fields = Object.entries<Decoder<unknown>>(decoders).map(([name, decode]) => [
    name,
    decode((value as Record<string, unknown>)[name]),
  ]);
  return Object.fromEntries(fields) as T;
}

/** @throws {TokenFailure} when the answer is not what `decode` takes. */
function decodeAnswer<T>(what: string, decode: () => T): T {
  try {
    return decode();
  } catch {
    throw new TokenFailure('token', `its process described ${what} in an impossible way`);
  }
}

/**
 * Returns the token of an answer to `hello`.
 * @throws {TokenFailure} when it is none.
 */
export function decodeTokenDescription(body: Uint8Array): TokenDescription {
  return decodeAnswer('a token', () =>
    decodeFields<TokenDescription>(decodeJson(body), {
      module: text,
      moduleManufacturer: text,
      moduleVersion: text,
      cryptokiVersion: text,
      slotId: wholeNumber,
      label: text,
      manufacturer: text,
      model: text,
      serial: text,
      hardwareVersion: text,
      firmwareVersion: text,
      flags: wholeNumber,
      areCoreDumpsEmpty: boolean,
    }),
  );
}

/**
 * Returns the key of an answer to `key`.
 * @throws {TokenFailure} when it is none that kmipd can name and use.
 */
export function decodeTokenKey(body: Uint8Array): TokenKeyDescription {
  return decodeAnswer('a key', () =>
    decodeFields<TokenKeyDescription>(decodeJson(body), {
      id: rootId,
      algorithm: text,
      label: text,
      ckaId: text,
      format: wrappingFormat,
      way: wrappingWay,
      isExtractable: booleanOrNull,
      isSensitive: booleanOrNull,
      wasNeverExtractable: booleanOrNull,
      isMadeInToken: booleanOrNull,
      isTrial: boolean,
    }),
  );
}

/**
 * Returns the page of an answer to `check`: at least one mechanism, unless there is none after `from`.
 * @throws {TokenFailure} when it is none, or when the token has more than 4,096 mechanisms.
 */
export function decodeMechanismPage(body: Uint8Array, from: number): MechanismPage {
  return decodeAnswer('its mechanisms', () => {
    const page = decodeFields<MechanismPage>(decodeJson(body), {
      total: wholeNumber,
      mechanisms: (value) => {
        if (!Array.isArray(value)) throw new TypeError('no list');
        return value.map((each) => decodeFields(each, mechanismDecoders));
      },
    });
    const end = from + page.mechanisms.length;
    if (page.total > maxMechanisms || end > page.total || (end === from && from < page.total))
      throw new RangeError('an impossible number of mechanisms');
    return page;
  });
}

const mechanismDecoders: Decoders<MechanismDescription> = {
  name: text,
  mechanism: wholeNumber,
  flags: wholeNumber,
  minKeySize: wholeNumber,
  maxKeySize: wholeNumber,
};

/**
 * Returns the bytes of memory in an answer to `ping`.
 * @throws {TokenFailure} when it has none.
 */
export function decodeResidentBytes(body: Uint8Array): number {
  return decodeAnswer(
    'its memory',
    () =>
      decodeFields<{ residentBytes: number }>(decodeJson(body), { residentBytes: wholeNumber }).residentBytes,
  );
}
