import type { ManagedObject } from '../object/managed-object.ts';
import { requireValueAtHand } from '../object/token-keys.ts';
import type { OperationName } from './context.ts';

/**
 * What each operation needs of the object that it is about, for keys that stay in a token:
 *
 * - `value`: its value, which is not here: refused.
 * - `use`: a use of the key, which the token does.
 * - `attributes`: what is in its row; Destroy, Import and the operations that make a key see to the token.
 * - `none`: it is about no object, or makes one.
 *
 * Operations that name further objects, such as Derive Key or the wrapping key of Get, take their values by
 * `keyForUse`, which refuses a key in a token as well.
 */
export type TokenKeyRule = 'value' | 'use' | 'attributes' | 'none';

export const tokenKeyRules: Readonly<Partial<Record<OperationName, TokenKeyRule>>> = {
  Create: 'none',
  CreateKeyPair: 'none',
  Register: 'none',
  Import: 'none',
  DeriveKey: 'none',
  CreateSplitKey: 'none',
  JoinSplitKey: 'none',
  ReKey: 'attributes',
  ReKeyKeyPair: 'attributes',
  Certify: 'value',
  ReCertify: 'value',
  Get: 'value',
  Export: 'value',
  Encrypt: 'use',
  Decrypt: 'use',
  Sign: 'use',
  SignatureVerify: 'use',
  MAC: 'use',
  MACVerify: 'use',
  Check: 'attributes',
  Activate: 'attributes',
  Revoke: 'attributes',
  Destroy: 'attributes',
  Archive: 'attributes',
  Recover: 'attributes',
  ObtainLease: 'attributes',
  GetUsageAllocation: 'attributes',
  GetAttributes: 'attributes',
  GetAttributeList: 'attributes',
  AddAttribute: 'attributes',
  ModifyAttribute: 'attributes',
  SetAttribute: 'attributes',
  AdjustAttribute: 'attributes',
  DeleteAttribute: 'attributes',
};

/**
 * Refuses an operation on a key in a token that needs its value. One that the table does not name needs it.
 * @throws {KmipError} NotExtractable
 */
export function requireTokenKeyRule(operation: OperationName, object: ManagedObject): void {
  if ((tokenKeyRules[operation] ?? 'value') === 'value') requireValueAtHand(object);
}
