import { type Attribute, attributeKey } from '../../codec/attribute.ts';

/** Whether both are the same attribute with equal values; the index is ignored. */
export function isSameAttribute(a: Attribute, b: Attribute): boolean {
  return attributeKey(a) === attributeKey(b) && isSameValue(a, b);
}

/**
 * Whether two attributes have equal values: bytes by content, structures by their fields; undefined equals
 * absent.
 */
export function isSameValue(a: { readonly value: unknown }, b: { readonly value: unknown }): boolean {
  return isEqual(a.value, b.value);
}

/** Returns one text for all equal values, and different texts for others. */
export function valueKey(value: unknown): string {
  if (value instanceof Uint8Array) return `x${value.toHex()}`;
  if (typeof value === 'bigint') return `${value}n`;
  if (Array.isArray(value)) return `[${value.map(valueKey)}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? '';
  const fields = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return `{${fields.map(([field, inner]) => `${field}:${valueKey(inner)}`).sort()}}`;
}

/** Whether a value contains `stated`: they are equal, or structures and every field of `stated` is equal. */
export function contains(value: unknown, stated: unknown): boolean {
  if (isEqual(value, stated)) return true;
  if (!isFields(value) || !isFields(stated)) return false;
  return Object.entries(stated).every(
    ([field, inner]) => inner === undefined || isEqual(value[field], inner),
  );
}

function isFields(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (a instanceof Uint8Array || b instanceof Uint8Array) {
    return a instanceof Uint8Array && b instanceof Uint8Array && hasSameBytes(a, b);
  }
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) =>
    isEqual(left[key], right[key]),
  );
}

/** Attribute values are not secret, so the comparison may stop at the first difference. */
function hasSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
