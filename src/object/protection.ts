import type { Attribute } from '../../codec/attribute.ts';
import type { ObjectTypeName } from '../../codec/structures/managed-objects.ts';
import { fail } from '../common/errors.ts';
import type { ManagedObject } from './managed-object.ts';

/**
 * The protection of an object that is made from others (docs/decisions/27-protection-flows.md): it is at most
 * as open as the most protected of its inputs, whatever requests, Templates and the group's defaults state.
 *
 * | operation | inputs |
 * | --- | --- |
 * | Derive Key | every object named: keys, and the Secret Data that is the derivation data |
 * | Create Split Key | the key that is split |
 * | Join Split Key | every part |
 * | Re-key, Re-key Key Pair | the old key; for each half of a pair its old half |
 * | Certify, Re-certify | the public key, the stored certificate request, the old certificate |
 * | Encrypt that encapsulates | the public key |
 * | Import | the key that unwraps the value, the object that is replaced |
 *
 * Of Create, Create Key Pair and Register nothing goes in but the request.
 */

/** Types whose values are public. */
export const publicTypes: readonly ObjectTypeName[] = ['PublicKey', 'Certificate', 'CertificateRequest'];

function isSensitive({ attributes }: ManagedObject): boolean {
  return attributes.get('Sensitive') === true;
}

function isLocked({ attributes }: ManagedObject): boolean {
  return attributes.get('Extractable') === false;
}

/** Whether the value of an object may not leave the server in the clear. */
export function isProtected(object: ManagedObject): boolean {
  return isSensitive(object) || isLocked(object);
}

/** Whether an object has a value that clients may not know; public keys and certificates are known. */
export function hasProtectedValue(object: ManagedObject): boolean {
  return isProtected(object) && !publicTypes.includes(object.type);
}

/**
 * Refuses an operation that would reveal something of protected objects; `why` completes "the object is
 * sensitive: …".
 * @throws {KmipError} NotExtractable or Sensitive
 */
export function refuseProtected(objects: readonly ManagedObject[], why: string): void {
  if (objects.some(isLocked)) fail('NotExtractable', `the object is not extractable: ${why}`);
  if (objects.some(isSensitive)) fail('Sensitive', `the object is sensitive: ${why}`);
}

/**
 * Returns the requested attributes of an object made from `inputs`: Sensitive when one input is, Extractable
 * only when all are (KMIP 1.4 §3.47 and following).
 */
export function inheritProtection(
  requested: readonly Attribute[],
  inputs: readonly ManagedObject[],
): readonly Attribute[] {
  const inherited: Attribute[] = [];
  if (inputs.some(isSensitive)) inherited.push({ name: 'Sensitive', value: true });
  if (inputs.some(isLocked)) inherited.push({ name: 'Extractable', value: false });
  if (inherited.length === 0) return requested;
  const names = inherited.map(({ name }) => name);
  const isInherited = ({ name, vendor }: Attribute) => vendor === undefined && names.includes(name);
  return [...requested.filter((attribute) => !isInherited(attribute)), ...inherited];
}

/**
 * Clears Always Sensitive and Never Extractable of an object made from `inputs` unless they are true for all
 * of them; beside secret inputs public ones have no say.
 */
export function inheritHistory({ attributes }: ManagedObject, inputs: readonly ManagedObject[]): void {
  const secrets = inputs.filter(({ type }) => !publicTypes.includes(type));
  const decisive = secrets.length > 0 ? secrets : inputs;
  for (const name of ['AlwaysSensitive', 'NeverExtractable'] as const) {
    if (attributes.has(name) && decisive.some((input) => input.attributes.get(name) !== true))
      attributes.set(name, false);
  }
}
