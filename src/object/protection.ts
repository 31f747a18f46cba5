import type { Attribute } from '../../codec/attribute.ts';
import type { ManagedObject } from './managed-object.ts';

/**
 * Returns the requested attributes of an object made from `sources`, with Sensitive and Extractable
 * inherited: sensitive when one source is, extractable when all are (KMIP 1.4 §3.47 and following).
 * `isBinding`: the request cannot override them, because a source could be recovered from the new object.
 */
export function inheritProtection(
  requested: readonly Attribute[],
  sources: readonly ManagedObject[],
  isBinding: boolean,
): Attribute[] {
  const inherited: Attribute[] = [];
  if (sources.some(({ attributes }) => attributes.get('Sensitive') === true))
    inherited.push({ name: 'Sensitive', value: true });
  if (sources.some(({ attributes }) => attributes.get('Extractable') === false))
    inherited.push({ name: 'Extractable', value: false });
  const names = inherited.map(({ name }) => name);
  const isInherited = ({ name, vendor }: Attribute) => vendor === undefined && names.includes(name);
  if (isBinding) return [...requested.filter((attribute) => !isInherited(attribute)), ...inherited];
  const stated = requested.filter(isInherited).map(({ name }) => name);
  return [...requested, ...inherited.filter(({ name }) => !stated.includes(name))];
}

/** Clears Always Sensitive and Never Extractable of a new object unless they are true for all sources. */
export function inheritHistory({ attributes }: ManagedObject, sources: readonly ManagedObject[]): void {
  for (const name of ['AlwaysSensitive', 'NeverExtractable'] as const) {
    if (attributes.has(name) && sources.some((source) => source.attributes.get(name) !== true))
      attributes.set(name, false);
  }
}
