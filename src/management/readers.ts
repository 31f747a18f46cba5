import { RequestError } from './errors.ts';

/**
 * Checks a value that came over the socket, and returns it; `name` stands for it in the refusal.
 * @throws {RequestError} when it is of another form.
 */
export type Reader<T> = (value: unknown, name: string) => T;

const isVisible = (text: string): boolean => !/\p{Cc}/u.test(text);

/** Reads a text of 1 to `max` UTF-16 units, without control characters or as `isFit` tells. */
export function textParam(max: number, isFit = isVisible): Reader<string> {
  return (value, name) => {
    if (typeof value === 'string' && value !== '' && value.length <= max && isFit(value)) return value;
    throw new RequestError(`${name} must be a text of its form, with at most ${max} characters`);
  };
}

/** Reads so many bytes in Base64. */
export function base64Param(length: number): Reader<string> {
  return textParam(2 * length, (value) => {
    const bytes = Buffer.from(value, 'base64');
    return bytes.length === length && bytes.toString('base64') === value;
  });
}

export const flagParam: Reader<boolean> = (value, name) => {
  if (typeof value === 'boolean') return value;
  throw new RequestError(`${name} must be true or false`);
};

/** Reads a whole number from `min` to `max`. */
export function integerParam(min: number, max: number): Reader<number> {
  return (value, name) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
    throw new RequestError(`${name} must be a whole number from ${min} to ${max}`);
  };
}

/** Reads one of the choices. */
export function choiceParam<const T extends string | number>(choices: readonly T[]): Reader<T> {
  return (value, name) => {
    const choice = choices.find((each) => each === value);
    if (choice !== undefined) return choice;
    throw new RequestError(`${name} must be one of ${choices.join(', ')}`);
  };
}

/** Reads a value that may be left out. */
export function optionalParam<T>(reader: Reader<T>): Reader<T | undefined> {
  return (value, name) => (value === undefined ? undefined : reader(value, name));
}

/** Reads a value in whose place null may stand. */
export function nullableParam<T>(reader: Reader<T>): Reader<T | null> {
  return (value, name) => (value === null ? null : reader(value, name));
}

/** Reads a list of 1 to `max` values. */
export function listParam<T>(reader: Reader<T>, max: number): Reader<readonly T[]> {
  return (value, name) => {
    if (!Array.isArray(value) || value.length === 0 || value.length > max)
      throw new RequestError(`${name} must be a list of 1 to ${max} values`);
    return value.map((each, at) => reader(each, `${name}[${at}]`));
  };
}

/** Reads an object with these fields and no others. */
export function objectParam<T extends object>(
  readers: { readonly [K in keyof T]-?: Reader<T[K]> },
  isFit: (value: T) => boolean = () => true,
): Reader<T> {
  return (value, name) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new RequestError(`${name} must be an object`);
    const unknown = Object.keys(value).find((key) => !Object.hasOwn(readers, key));
    if (unknown !== undefined) throw new RequestError(`${name} has a field that is not known`);
    const read = Object.entries<Reader<unknown>>(readers).flatMap(([key, reader]) => {
      const field = reader(Object.hasOwn(value, key) ? value[key as never] : undefined, `${name}.${key}`);
      return field === undefined ? [] : [[key, field]];
    });
    const complete = Object.fromEntries(read) as T;
    if (isFit(complete)) return complete;
    throw new RequestError(`${name} has too many fields, or too few`);
  };
}
