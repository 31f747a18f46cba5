import type { Attribute } from '../../codec/attribute.ts';
import type { ManagedObjectValue } from '../../codec/structures/managed-objects.ts';

/** Words in which the seeds of the corpus are written. */

/** Requests as the handlers read them, in every version: the source of the corpus. */
export interface Seed {
  readonly operation: string;
  readonly request: Record<string, unknown>;
}

export const bytes = (length: number, first = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, at) => (first + at * 7) & 0xff);
export const name = (value: string): Attribute => ({
  name: 'Name',
  value: { NameValue: value, NameType: 'UninterpretedTextString' },
});
export const template = (...attributes: Attribute[]) => ({ attributes, templates: [] as const });
export const none = template();

export const aes = (bits: number, ...more: Attribute[]) =>
  template(
    { name: 'CryptographicAlgorithm', value: 'AES' },
    { name: 'CryptographicLength', value: bits },
    { name: 'CryptographicUsageMask', value: 12 },
    ...more,
  );

export const block = (format: string, material: unknown, algorithm?: string, length?: number) => ({
  KeyFormatType: format,
  KeyValue: { KeyMaterial: material, Attributes: [] },
  CryptographicAlgorithm: algorithm,
  CryptographicLength: length,
});

export const object = (type: string, value: unknown) => ({ type, value }) as ManagedObjectValue;
export const symmetric = (material = bytes(32)) =>
  object('SymmetricKey', { KeyBlock: block('Raw', material, 'AES', material.length * 8) });

export function register(value: ManagedObjectValue, attributes = none): Seed {
  return {
    operation: 'Register',
    request: { ObjectType: value.type, Attributes: attributes, Object: value },
  };
}

export const masked = (mask: number, ...more: Attribute[]) =>
  template({ name: 'CryptographicUsageMask', value: mask }, ...more);
