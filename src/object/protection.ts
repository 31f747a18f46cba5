import type { Attribute } from '../../codec/attribute.ts';
import type { ManagedObject } from './managed-object.ts';

/** How far an object made from others is as protected as they are (KMIP 2.1 §4.47 Sensitive and following, 1.4 §3.47). */

/**
 * Sensitive and Extractable of what is made from `sources`, beside what was requested: sensitive if one of them is,
 * extractable if all are. `binding`: the request cannot say otherwise, because a source could be had from the new object.
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

/** Always Sensitive and Never Extractable of a new object: only if they hold for everything it was made from. */
export function inheritHistory({ attributes }: ManagedObject, sources: readonly ManagedObject[]): void {
  for (const name of ['AlwaysSensitive', 'NeverExtractable'] as const) {
    if (sources.some((source) => source.attributes.get(name) !== true)) attributes.set(name, false);
  }
}
