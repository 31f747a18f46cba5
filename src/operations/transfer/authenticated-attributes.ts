import type { Attribute } from '../../../codec/attribute.ts';
import type { AttributeName } from '../../../codec/attribute-table.ts';
import type { State } from '../../../codec/enums.ts';
import type { UsageLimits } from '../../../codec/structures/attribute-values.ts';
import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { hasKeyBlock, type ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { fail } from '../../common/errors.ts';
import { isNarrower } from '../../object/tightening.ts';
import { isSameLength } from '../../object/value-rules.ts';
import type { Context } from '../context.ts';
import { attributesInKeyValue } from './object-import.ts';

/**
 * Attributes that were wrapped together with a key bind what the request states beside it: whoever wrapped
 * the key has authenticated them (docs/decisions/38-copies-and-shares.md).
 */

/** Whether a request may state the second values where the first ones are inside the Key Value. */
type Rule = (inside: readonly never[], stated: readonly never[]) => boolean;
/** The rule of an attribute with one value. Of several in a request the last would count: each is judged. */
const single =
  <T>(allows: (inside: T, stated: T) => boolean) =>
  (inside: readonly T[], stated: readonly T[]): boolean =>
    inside.every((own) => stated.every((each) => allows(own, each)));
const same = (inside: unknown, stated: unknown) => inside === stated;
const notBefore = (inside: number, stated: number) => stated >= inside;
const notAfter = (inside: number, stated: number) => stated <= inside;

/** States, those that allow more before those that allow less. */
const states: readonly State[] = [
  'Active',
  'PreActive',
  'Deactivated',
  'Compromised',
  'Destroyed',
  'DestroyedCompromised',
];

const rules = {
  ObjectType: single(same),
  CryptographicAlgorithm: single(same),
  CryptographicLength: single(isSameLength),
  CryptographicUsageMask: single((inside: number, stated: number) => (stated & ~inside) === 0),
  CryptographicParameters: (inside: readonly CryptographicParameters[], stated: typeof inside) =>
    stated.length === 0 || isNarrower(stated, inside),
  Sensitive: single((inside: boolean, stated: boolean) => stated || !inside),
  Extractable: single((inside: boolean, stated: boolean) => inside || !stated),
  State: single((inside: State, stated: State) => states.indexOf(stated) >= states.indexOf(inside)),
  ActivationDate: single(notBefore),
  ProcessStartDate: single(notBefore),
  ProtectStopDate: single(notAfter),
  DeactivationDate: single(notAfter),
  UsageLimits: single(isNoMore),
} as const satisfies Readonly<Partial<Record<AttributeName, Rule>>>;

function isNoMore(inside: UsageLimits, stated: UsageLimits): boolean {
  const left = ({ UsageLimitsCount, UsageLimitsTotal }: UsageLimits) => UsageLimitsCount ?? UsageLimitsTotal;
  return inside.UsageLimitsUnit === stated.UsageLimitsUnit && left(stated) <= left(inside);
}

/**
 * Refuses under `strict` protection what a request states against the attributes that were wrapped with the
 * key of `value`, by attributes, Key Block or Object Type. Values that allow less are no contradiction.
 * @throws {KmipError} InvalidAttributeValue (1.x: InvalidField)
 */
export function requireInnerAttributes(
  value: ManagedObjectValue,
  stated: readonly Attribute[],
  { protection }: Context,
): void {
  if (protection === 'kmip' || !hasKeyBlock(value)) return;
  const inside = attributesInKeyValue(value);
  const { CryptographicAlgorithm, CryptographicLength } = value.value.KeyBlock;
  const ofValue = { ObjectType: value.type, CryptographicAlgorithm, CryptographicLength };
  for (const [name, allows] of Object.entries(rules) as [keyof typeof rules, Rule][]) {
    const bound = valuesOf(inside, name);
    const claims = [...valuesOf(stated, name), ofValue[name as keyof typeof ofValue]];
    const isAllowed = allows(bound as never[], claims.filter((claim) => claim !== undefined) as never[]);
    if (bound.length > 0 && !isAllowed)
      fail('InvalidAttributeValue', `${name} contradicts what was wrapped with the key`, 'InvalidField');
  }
}

function valuesOf(attributes: readonly Attribute[], wanted: AttributeName): readonly unknown[] {
  return attributes.flatMap(({ name, vendor, value }) =>
    name === wanted && vendor === undefined ? [value] : [],
  );
}
