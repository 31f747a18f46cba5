import type { Attribute } from '../../../codec/attribute.ts';
import type { UsageLimits } from '../../../codec/structures/attribute-values.ts';
import { hasKeyBlock, type ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { fail } from '../../common/errors.ts';
import { isSameLength } from '../../object/value-rules.ts';
import type { Context } from '../context.ts';
import { valueOf } from '../new-object.ts';
import { attributesInKeyValue } from './object-import.ts';

/**
 * Attributes that were wrapped together with a key bind what the request states beside it: whoever wrapped
 * the key has authenticated them (docs/decisions/38-copies-and-shares.md).
 */

type Rule = (inside: never, stated: never) => boolean;
const same = (inside: unknown, stated: unknown) => inside === stated;
const notBefore = (inside: number, stated: number) => stated >= inside;
const notAfter = (inside: number, stated: number) => stated <= inside;

/** Whether a request may state the second value where the first one is inside the Key Value. */
const rules = {
  ObjectType: same,
  CryptographicAlgorithm: same,
  CryptographicLength: (inside: number, stated: number) => isSameLength(inside, stated),
  CryptographicUsageMask: (inside: number, stated: number) => (stated & ~inside) === 0,
  Sensitive: (inside: boolean, stated: boolean) => stated || !inside,
  Extractable: (inside: boolean, stated: boolean) => inside || !stated,
  ActivationDate: notBefore,
  ProcessStartDate: notBefore,
  ProtectStopDate: notAfter,
  DeactivationDate: notAfter,
  UsageLimits: isNoMore,
} as const satisfies Readonly<Record<string, Rule>>;

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
    const bound = valueOf(inside, name);
    const claims = [valueOf(stated, name), ofValue[name as keyof typeof ofValue]];
    if (
      bound !== undefined &&
      claims.some((claim) => claim !== undefined && !allows(bound as never, claim as never))
    )
      fail('InvalidAttributeValue', `${name} contradicts what was wrapped with the key`, 'InvalidField');
  }
}
