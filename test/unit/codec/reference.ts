import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/**
 * The machine-readable reference of the specification, which is not part of the repository: KMIPD_REFERENCE names its
 * directory, `../shared/kmip` beside the checkout is tried without it.
 */
const directory =
  process.env.KMIPD_REFERENCE ?? resolve(import.meta.dirname, '..', '..', '..', '..', 'shared', 'kmip');

/** What `tap` takes as the option `skip`: false, or why the reference cannot be compared with. */
export const absent: string | false = existsSync(resolve(directory, 'tags.json'))
  ? false
  : 'the reference is not here: set KMIPD_REFERENCE to its directory';

interface Lifetime {
  since: string;
  until: string | null;
}

export interface ReferenceTag extends Lifetime {
  name: string;
  tag: string;
  type: string | Record<string, string>;
}

export interface ReferenceEnumeration extends Lifetime {
  tag: string | null;
  values: (Lifetime & { name: string; value: string; aliases?: string[] })[];
}

export interface ReferenceField {
  tag: string;
  required: 'yes' | 'no' | 'depends';
  repeated: boolean;
  since?: string;
  until?: string;
}

export interface ReferenceStructure extends Lifetime {
  fields: ReferenceField[];
}

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

export function reference<N extends keyof Files>(name: N): Files[N] {
  return JSON.parse(readFileSync(resolve(directory, `${name}.json`), 'utf8')) as Files[N];
}

/** Versions of the reference that this house speaks; 3.0 is not one of them yet. */
export function ours(entry: { since: string }): boolean {
  return entry.since !== '3.0';
}

/**
 * First version of a value of an enumeration, undefined for values of 3.0. The post-quantum algorithms of 3.0 are there from
 * 2.1 on (docs/decisions/20-post-quantum.md).
 */
export function sinceOurs(enumeration: string, value: { name: string; since: string }): string | undefined {
  if (ours(value)) return value.since;
  return enumeration === 'CryptographicAlgorithm' && /^(ML|SLH)_/.test(value.name) ? '2.1' : undefined;
}

/** Last version of an entry, as our tables put it: undefined when the newest of ours still has it. */
export function until(entry: { until?: string | null | undefined }): string | undefined {
  return entry.until === null || entry.until === undefined || entry.until === '2.1' ? undefined : entry.until;
}
