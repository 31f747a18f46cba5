import type { ValueReader } from './values.ts';

/** A key of the configuration file with a value of type T. */
export interface ConfigKey<T = unknown> {
  /** The name in the file; `section.key` inside a table. */
  readonly name: string;
  /** The text above the key in a rendered file: one line of at most 118 characters, never empty. */
  readonly comment: string;
  /** The value in TOML that is in force when the key is absent; undefined: the feature is off. */
  readonly defaultValue: string | number | boolean | readonly string[] | undefined;
  /** Checks and converts the value of the file. */
  readonly read: ValueReader<T>;
}

/** `comment` and `defaultValue` as in `ConfigKey`. */
export const configKey = <T>(
  name: string,
  defaultValue: ConfigKey['defaultValue'],
  read: ValueReader<T>,
  comment: string,
): ConfigKey<T> => ({ name, comment, defaultValue, read });
