import type { ManagedObject } from './managed-object.ts';

/** What bars clients from an object or from its value. */
export type Bar = 'archived' | 'destroyed' | 'compromised' | 'sensitive' | 'notExtractable';

/** Returns what bars clients from the object now. */
export function barsOf({ archived, destroyed, attributes }: ManagedObject): readonly Bar[] {
  const bars: Readonly<Record<Bar, boolean>> = {
    archived,
    destroyed,
    compromised: attributes.get('CompromiseDate') !== undefined,
    sensitive: attributes.get('Sensitive') === true,
    notExtractable: attributes.get('Extractable') === false,
  };
  return (Object.keys(bars) as Bar[]).filter((bar) => bars[bar]);
}
