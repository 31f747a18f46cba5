import { Operation as OperationMember } from '../../codec/enums.ts';
import { isWithin, type Version } from '../../codec/version.ts';
import { Cancel } from './asynchronous/cancel.ts';
import { Poll } from './asynchronous/poll.ts';
import { Process } from './asynchronous/process.ts';
import { QueryAsynchronousRequests } from './asynchronous/query-asynchronous-requests.ts';
import { AddAttribute } from './attributes/add-attribute.ts';
import { AdjustAttribute } from './attributes/adjust-attribute.ts';
import { DeleteAttribute } from './attributes/delete-attribute.ts';
import { GetAttributeList } from './attributes/get-attribute-list.ts';
import { GetAttributes } from './attributes/get-attributes.ts';
import { ModifyAttribute } from './attributes/modify-attribute.ts';
import { SetAttribute } from './attributes/set-attribute.ts';
import { Certify } from './certificates/certify.ts';
import { ReCertify } from './certificates/re-certify.ts';
import { ReProvision } from './certificates/re-provision.ts';
import { Validate } from './certificates/validate.ts';
import type { OperationName } from './context.ts';
import { Create } from './creation/create.ts';
import { CreateKeyPair } from './creation/create-key-pair.ts';
import { CreateSplitKey } from './creation/create-split-key.ts';
import { DeriveKey } from './creation/derive-key.ts';
import { JoinSplitKey } from './creation/join-split-key.ts';
import { ReKey } from './creation/re-key.ts';
import { ReKeyKeyPair } from './creation/re-key-key-pair.ts';
import { Decrypt } from './cryptography/decrypt.ts';
import { Encrypt } from './cryptography/encrypt.ts';
import { Hash } from './cryptography/hash.ts';
import { MAC } from './cryptography/mac.ts';
import { MACVerify } from './cryptography/mac-verify.ts';
import { RNGRetrieve } from './cryptography/rng-retrieve.ts';
import { RNGSeed } from './cryptography/rng-seed.ts';
import { Sign } from './cryptography/sign.ts';
import { SignatureVerify } from './cryptography/signature-verify.ts';
import { GetConstraints } from './group-policy/get-constraints.ts';
import { SetConstraints } from './group-policy/set-constraints.ts';
import { SetDefaults } from './group-policy/set-defaults.ts';
import { Activate } from './lifecycle/activate.ts';
import { Archive } from './lifecycle/archive.ts';
import { Check } from './lifecycle/check.ts';
import { Destroy } from './lifecycle/destroy.ts';
import { GetUsageAllocation } from './lifecycle/get-usage-allocation.ts';
import { ObtainLease } from './lifecycle/obtain-lease.ts';
import { Recover } from './lifecycle/recover.ts';
import { Revoke } from './lifecycle/revoke.ts';
import { Locate } from './locate.ts';
import type { AnyOperation } from './operation.ts';
import { PKCS_11 } from './pkcs11/pkcs-11.ts';
import { DiscoverVersions } from './server/discover-versions.ts';
import { Interop } from './server/interop.ts';
import { Log } from './server/log.ts';
import { Notify } from './server/notify.ts';
import { Ping } from './server/ping.ts';
import { Put } from './server/put.ts';
import { Query } from './server/query.ts';
import { SetEndpointRole } from './server/set-endpoint-role.ts';
import { DelegatedLogin } from './sessions/delegated-login.ts';
import { Login } from './sessions/login.ts';
import { Logout } from './sessions/logout.ts';
import { Export } from './transfer/export.ts';
import { Get } from './transfer/get.ts';
import { Import } from './transfer/import.ts';
import { Register } from './transfer/register.ts';

const table: readonly AnyOperation[] = [
  DiscoverVersions,
  Query,
  Ping,
  Log,
  Login,
  Logout,
  DelegatedLogin,
  Interop,
  Create,
  CreateKeyPair,
  Register,
  ReKey,
  ReKeyKeyPair,
  DeriveKey,
  CreateSplitKey,
  JoinSplitKey,
  Certify,
  ReCertify,
  Validate,
  Locate,
  Check,
  Get,
  Export,
  Import,
  GetAttributes,
  GetAttributeList,
  AddAttribute,
  ModifyAttribute,
  SetAttribute,
  AdjustAttribute,
  DeleteAttribute,
  Activate,
  Revoke,
  Destroy,
  Archive,
  Recover,
  ObtainLease,
  GetUsageAllocation,
  Encrypt,
  Decrypt,
  Sign,
  SignatureVerify,
  MAC,
  MACVerify,
  Hash,
  RNGRetrieve,
  RNGSeed,
  PKCS_11,
  SetDefaults,
  SetConstraints,
  GetConstraints,
  Poll,
  Cancel,
  Process,
  QueryAsynchronousRequests,
  ReProvision,
  SetEndpointRole,
  Notify,
  Put,
];

/** The operations of the server by name, in the order of the table. */
export const operations: ReadonlyMap<unknown, AnyOperation> = new Map(table.map((each) => [each.name, each]));

/** Names of the operations offered in a version, in the order of the table; Interop only with `interop`. */
export function operationsIn(version: Version, interop: boolean): readonly OperationName[] {
  return table
    .filter(
      ({ name, since, until }) => isWithin(version, since, until) && OperationMember.isKnownIn(name, version),
    )
    .map(({ name }) => name)
    .filter((name) => interop || name !== 'Interop');
}
