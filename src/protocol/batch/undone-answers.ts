import { type TagName, tagNumber } from '../../../codec/tags.ts';
import { BinaryReader } from '../../../codec/wire/binary-reader.ts';
import type { OperationName } from '../../operations/context.ts';

/**
 * The fields that the answer to an undone item may hold (docs/decisions/25-undo-and-output.md). Undo takes
 * back changes, but nothing that the client has read: an answer stays only where all of its fields identify
 * objects. The answers of an operation without a list are withheld, because they are output: values,
 * attributes, ciphertexts, random bytes, the objects that a search found, the verdict of a verification.
 */
type IdentifierField = Extract<
  TagName,
  'ObjectType' | 'UniqueIdentifier' | 'PrivateKeyUniqueIdentifier' | 'PublicKeyUniqueIdentifier'
>;

const identifier = ['UniqueIdentifier'] as const;
const typedIdentifier = ['ObjectType', 'UniqueIdentifier'] as const;
const pair = ['PrivateKeyUniqueIdentifier', 'PublicKeyUniqueIdentifier'] as const;
/** The answer has no fields. */
const empty = [] as const;
const withheld = undefined;

/** By operation; complete, so that a new operation has to be placed. */
const fields: Readonly<Record<OperationName, readonly IdentifierField[] | undefined>> = {
  Activate: identifier,
  AddAttribute: identifier,
  AdjustAttribute: identifier,
  Archive: identifier,
  Cancel: withheld,
  Certify: identifier,
  Check: identifier,
  Create: typedIdentifier,
  CreateKeyPair: pair,
  CreateSplitKey: typedIdentifier,
  Decrypt: withheld,
  DelegatedLogin: withheld,
  DeleteAttribute: identifier,
  DeriveKey: identifier,
  Destroy: identifier,
  DiscoverVersions: withheld,
  Encrypt: withheld,
  Export: withheld,
  Get: withheld,
  GetAttributeList: withheld,
  GetAttributes: withheld,
  GetConstraints: withheld,
  GetUsageAllocation: identifier,
  Hash: withheld,
  Import: identifier,
  Interop: empty,
  JoinSplitKey: typedIdentifier,
  Locate: withheld,
  Log: empty,
  Login: withheld,
  Logout: empty,
  MAC: withheld,
  MACVerify: withheld,
  ModifyAttribute: identifier,
  Notify: withheld,
  ObtainLease: withheld,
  PKCS_11: withheld,
  Ping: empty,
  Poll: withheld,
  Process: empty,
  Put: withheld,
  Query: withheld,
  QueryAsynchronousRequests: withheld,
  RNGRetrieve: withheld,
  RNGSeed: withheld,
  ReCertify: identifier,
  ReKey: identifier,
  ReKeyKeyPair: pair,
  ReProvision: identifier,
  Recover: identifier,
  Register: identifier,
  Revoke: identifier,
  SetAttribute: identifier,
  SetConstraints: empty,
  SetDefaults: empty,
  SetEndpointRole: withheld,
  Sign: withheld,
  SignatureVerify: withheld,
  Validate: withheld,
};

/**
 * Whether an encoded ResponsePayload may go to the client although its item was undone: each of its fields is
 * an identifier that the table names. A field that a version adds, such as the echoed Attribute of 1.x,
 * withholds the payload.
 */
export function staysWhenUndone(operation: unknown, payload: Uint8Array): boolean {
  const allowed = (fields as Readonly<Record<string, readonly IdentifierField[] | undefined>>)[
    operation as string
  ];
  if (allowed === undefined || payload.length === 0) return false;
  const tags = new Set(allowed.map(tagNumber));
  const reader = new BinaryReader(payload);
  reader.enter();
  for (let tag = reader.tag(); tag !== 0; tag = reader.tag()) {
    if (!tags.has(tag)) return false;
    reader.skip();
  }
  return true;
}
