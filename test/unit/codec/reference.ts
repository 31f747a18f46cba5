import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/**
 * Directory of the machine-readable reference of the specification, which is not part of the repository:
 * KMIPD_REFERENCE, or without it `shared/kmip` beside the checkout.
 */
const directory =
  process.env.KMIPD_REFERENCE ?? resolve(import.meta.dirname, '..', '..', '..', '..', 'shared', 'kmip');

/** Value of the option `skip` of `tap`: false, or the reason why there is no reference. */
export const skipReason: string | false = existsSync(resolve(directory, 'tags.json'))
  ? false
  : 'the reference is not here: set KMIPD_REFERENCE to its directory';

interface Lifetime {
  since: string;
  until: string | null;
}

/** A tag of the reference. */
export interface ReferenceTag extends Lifetime {
  name: string;
  tag: string;
  type: string | Record<string, string>;
}

/** An enumeration or mask of the reference. */
export interface ReferenceEnumeration extends Lifetime {
  tag: string | null;
  values: (Lifetime & { name: string; value: string; aliases?: string[] })[];
}

/** A field of a structure of the reference. */
export interface ReferenceField {
  tag: string;
  required: 'yes' | 'no' | 'depends';
  repeated: boolean;
  since?: string;
  until?: string;
}

/** A structure of the reference. */
export interface ReferenceStructure extends Lifetime {
  fields: ReferenceField[];
}

/** An attribute of the reference. */
export interface ReferenceAttribute extends Lifetime {
  attributeName1x: string | null;
  tag: string;
  valueType: string | Record<string, string>;
}

interface Files {
  tags: ReferenceTag[];
  enumerations: Record<string, ReferenceEnumeration>;
  masks: Record<string, ReferenceEnumeration>;
  structures: Record<string, ReferenceStructure>;
  attributes: Record<string, ReferenceAttribute>;
}

/** Reads one file of the reference. */
export function readReference<N extends keyof Files>(name: N): Files[N] {
  return JSON.parse(readFileSync(resolve(directory, `${name}.json`), 'utf8')) as Files[N];
}

/** Whether the server supports the version of an entry; 3.0 is not supported yet. */
export function isSupported(entry: { since: string }): boolean {
  return entry.since !== '3.0';
}

/**
 * First version of an enumeration value, undefined for values of 3.0 except the post-quantum algorithms,
 * which the server has from 2.1 on (docs/decisions/20-post-quantum.md).
 */
export function firstSupportedVersion(
  enumeration: string,
  value: { name: string; since: string },
): string | undefined {
  if (isSupported(value)) return value.since;
  return enumeration === 'CryptographicAlgorithm' && /^(ML|SLH)_/.test(value.name) ? '2.1' : undefined;
}

/**
 * Last version of an entry, as in the tables of the codec: undefined when the newest supported version has
 * it.
 */
export function lastVersion(entry: { until?: string | null | undefined }): string | undefined {
  return entry.until === null || entry.until === undefined || entry.until === '2.1' ? undefined : entry.until;
}
