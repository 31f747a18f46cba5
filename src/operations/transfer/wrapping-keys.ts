import type { CryptographicParameters } from '../../../codec/structures/cryptographic-parameters.ts';
import { hasKeyBlock, type ObjectTypeName } from '../../../codec/structures/managed-objects.ts';
import { fail } from '../../common/errors.ts';
import type { Protection } from '../../common/protection.ts';
import type { ParameterUse } from '../../crypto/parameter-defaults.ts';
import { type PlainKey, plainKey } from '../../crypto/plain-key.ts';
import { linkedId } from '../../object/links.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import type { Use } from '../../object/usage.ts';
import { isSameValue } from '../../object/values.ts';
import type { Context } from '../context.ts';
import { findOtherHalf } from '../key-pairs.ts';
import { keyForUse, parametersFor, parametersToVerify } from '../usable-key.ts';

/** Keys that wrap, unwrap, authenticate and verify other keys (KMIP 2.1 §7.12, 1.4 §2.1.5–2.1.6). */

/** Encryption or MAC/Signature Key Information as a client gives it. */
export interface KeyInformation {
  readonly UniqueIdentifier?: string | undefined;
  readonly CryptographicParameters?: CryptographicParameters | undefined;
}

/** A key that is ready to wrap, unwrap, authenticate or verify. */
export interface WrappingKey {
  readonly object: ManagedObject;
  readonly key: PlainKey;
  readonly parameters: CryptographicParameters;
  /** Key information for Key Wrapping Data, sufficient to unwrap or verify later. */
  readonly information: { UniqueIdentifier: string; CryptographicParameters?: CryptographicParameters };
}

type Half = 'PrivateKey' | 'PublicKey';

/** The half of a key pair that serves a purpose, and the uses that the key must allow. */
interface Purpose {
  readonly half: Half;
  /** `hmac`: of a symmetric key for HMAC, when another than that of symmetric keys. */
  readonly uses: { readonly SymmetricKey: Use; readonly hmac?: Use; readonly pair: Use };
}

const purposes = {
  wrap: { half: 'PublicKey', uses: { SymmetricKey: 'WrapKey', pair: 'WrapKey' } },
  unwrap: { half: 'PrivateKey', uses: { SymmetricKey: 'UnwrapKey', pair: 'UnwrapKey' } },
  authenticate: { half: 'PrivateKey', uses: { SymmetricKey: 'MAC', hmac: 'AuthenticateKey', pair: 'Sign' } },
  verify: {
    half: 'PublicKey',
    uses: { SymmetricKey: 'MACVerify', hmac: 'VerifyKey', pair: 'SignatureVerify' },
  },
} as const satisfies Record<string, Purpose>;

const keyTypes: readonly ObjectTypeName[] = ['SymmetricKey', 'PrivateKey', 'PublicKey'];

/**
 * Loads the key that the information names, for a purpose; of a key pair the half that the purpose needs,
 * found by its link and by the key itself.
 * @throws {KmipError} in the order of the checks: WrappingObjectNotFound, WrappingObjectArchived,
 *   WrappingObjectDestroyed, InvalidObjectType, as `requireUsage` does, BadCryptographicParameters
 */
export async function loadWrappingKey(
  information: KeyInformation,
  purpose: keyof typeof purposes,
  context: Context,
): Promise<WrappingKey> {
  const { half, uses }: Purpose = purposes[purpose];
  const named = await findWrappingObject(information.UniqueIdentifier, context);
  if (!keyTypes.includes(named.type))
    fail('InvalidObjectType', `a ${named.type} is not a key that could ${purpose} another`);
  const object =
    named.type === 'SymmetricKey' || named.type === half ? named : await loadOtherHalf(named, half, context);
  const key = keyForUse(object, useFor(object, uses, context.protection), context);
  const { CryptographicParameters: requested } = information;
  const use = useOfPurpose(object, purpose);
  // The reason of 1.x is that of the error table of Get (KMIP 1.4 §11.12).
  const parameters = parametersFor(object, { use, requested, also: [named] }, 'ItemNotFound');
  const isStated = requested !== undefined || !isSameValue({ value: parameters }, { value: firstOf(named) });
  return {
    object,
    key,
    parameters,
    information: {
      UniqueIdentifier: named.id,
      ...(isStated && Object.keys(parameters).length > 0 ? { CryptographicParameters: parameters } : {}),
    },
  };
}

function useOfPurpose({ type }: ManagedObject, purpose: keyof typeof purposes): ParameterUse {
  if (purpose === 'wrap' || purpose === 'unwrap') return 'wrap';
  return type === 'SymmetricKey' ? 'mac' : 'sign';
}

function firstOf({ attributes }: ManagedObject): CryptographicParameters {
  return attributes.get('CryptographicParameters') ?? {};
}

/**
 * Returns the key that the information of a wrapped key names, with the parameters in force, without a check
 * whether it may be used; undefined when the server has no such key.
 */
export async function describeWrappingKey(
  information: KeyInformation | undefined,
  { work }: Context,
): Promise<WrappingKey | undefined> {
  const id = information?.UniqueIdentifier;
  const object = id === undefined ? undefined : await work.load(id);
  const value = object?.value;
  const key = value && hasKeyBlock(value) ? plainKey(value.type, value.value.KeyBlock) : undefined;
  if (id === undefined || object === undefined || key === undefined) return undefined;
  const requested = information?.CryptographicParameters;
  const parameters = parametersToVerify(object, { use: useOfPurpose(object, 'unwrap'), requested });
  return parameters && { object, key, parameters, information: { UniqueIdentifier: id } };
}

/** Keys for ciphers wrap by encryption only, so that bits for wrapping permit no MAC under them. */
function useFor({ type, attributes }: ManagedObject, uses: Purpose['uses'], protection: Protection): Use {
  const isHmac = String(attributes.get('CryptographicAlgorithm')).startsWith('HMAC_');
  const ofSymmetricKey = (isHmac ? uses.hmac : undefined) ?? uses.SymmetricKey;
  const use = type === 'SymmetricKey' ? ofSymmetricKey : uses.pair;
  return use === 'UnwrapKey' && protection === 'kmip' ? 'UnwrapWithEitherBit' : use;
}

async function findWrappingObject(identifier: string | undefined, { work }: Context): Promise<ManagedObject> {
  if (identifier === undefined) fail('InvalidField', 'the key information has no Unique Identifier');
  const object = await work.load(identifier);
  if (object === undefined) fail('WrappingObjectNotFound', 'there is no such wrapping key');
  if (object.archived) fail('WrappingObjectArchived', 'the wrapping key is archived: recover it first');
  if (object.destroyed) fail('WrappingObjectDestroyed', 'the wrapping key has been destroyed');
  return object;
}

/** A Link that leads to another key is none: what a client wraps is for the pair of the key that it names. */
async function loadOtherHalf(named: ManagedObject, half: Half, context: Context): Promise<ManagedObject> {
  const other = await findOtherHalf(named, half, context);
  const id = other?.id ?? linkedId(named, half === 'PublicKey' ? 'PublicKeyLink' : 'PrivateKeyLink');
  if (id === undefined)
    fail('InvalidObjectType', `this takes a ${half}, and the ${named.type} named has no link to one`);
  // Of an archived or destroyed key the reason is that, of any other that it is not the pair.
  const loaded = await findWrappingObject(id, context);
  if (other === undefined)
    fail('InvalidObjectType', `this takes a ${half}, and the link of the ${named.type} leads to another key`);
  return loaded;
}
