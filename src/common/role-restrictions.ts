/** What a role restricts beside the operations, in the form in which requests are checked. */

/** The restrictions by their names in the configuration. */
export const restrictionNames = ['objectTypes', 'algorithms', 'formats', 'wrapping', 'states'] as const;

export type RestrictionName = (typeof restrictionNames)[number];

/** The entry of a list of algorithms for objects without a Cryptographic Algorithm. */
export const noAlgorithm = 'none';

/** One entry of the algorithms of a role, such as `RSA>=3072`. */
export interface AlgorithmRule {
  /** Name of KMIP, or `noAlgorithm`. */
  readonly algorithm: string;
  /** How the Cryptographic Length compares with `bits`; every length, and an unknown one, when left out. */
  readonly comparison?: '=' | '>=';
  readonly bits?: number;
}

/** Restrictions of one role; names are those of KMIP. A member that is absent restricts nothing. */
export interface RoleRestrictions {
  /** Types of the objects that clients of the role reach. */
  readonly objectTypes?: ReadonlySet<string>;
  /** Algorithms of the objects that clients of the role reach: one entry has to be met. */
  readonly algorithms?: readonly AlgorithmRule[];
  /** Key Format Types in which values leave. */
  readonly formats?: ReadonlySet<string>;
  /** Values leave as those of Sensitive objects do. */
  readonly isWrappingRequired: boolean;
  /** States in which values are used or leave. */
  readonly states?: ReadonlySet<string>;
  /** All of it as canonical text, which is equal whatever the order of the entries. */
  readonly text: string;
  /** Where each restriction stands, such as `roles.backup.formats`. */
  readonly rules: Readonly<Record<RestrictionName, string>>;
}

/** Whether a role does not reach every object of the group. */
export function limitsReach({
  objectTypes,
  algorithms,
}: Pick<RoleRestrictions, 'objectTypes' | 'algorithms'>): boolean {
  return objectTypes !== undefined || algorithms !== undefined;
}

/** Whether an object with that algorithm and length in bits, as far as they are known, meets the entry. */
export function meetsAlgorithmRule(
  { algorithm, comparison, bits = 0 }: AlgorithmRule,
  object: { readonly algorithm: string | number | undefined; readonly bits: number | undefined },
): boolean {
  if ((object.algorithm ?? noAlgorithm) !== algorithm) return false;
  if (comparison === undefined) return true;
  if (object.bits === undefined) return false;
  return comparison === '=' ? object.bits === bits : object.bits >= bits;
}

/** Lists the restrictions as operators read them: the name of each with its entries. */
export function listRestrictions(
  restrictions: RoleRestrictions,
): readonly (readonly [name: RestrictionName, values: readonly string[]])[] {
  const { objectTypes, algorithms, formats, isWrappingRequired, states } = restrictions;
  const lists: Readonly<Record<RestrictionName, Iterable<string> | undefined>> = {
    objectTypes,
    algorithms: algorithms?.map(formatAlgorithmRule),
    formats,
    wrapping: isWrappingRequired ? ['required'] : undefined,
    states,
  };
  return restrictionNames.flatMap((name) => {
    const values = lists[name];
    return values === undefined ? [] : [[name, [...values]] as const];
  });
}

/** Formats an entry as the configuration has it. */
export function formatAlgorithmRule({ algorithm, comparison, bits }: AlgorithmRule): string {
  return comparison === undefined ? algorithm : `${algorithm}${comparison}${bits}`;
}
