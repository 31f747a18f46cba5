import {
  type KeyCompressionType,
  KeyFormatType,
  type KeyWrapType,
  ObjectType,
  RecommendedCurve,
  SplitKeyMethod,
} from '../../../codec/enums.ts';
import type { KeyBlock, KeyValue, KeyWrappingSpecification } from '../../../codec/structures/key-block.ts';
import { hasKeyBlock, type ManagedObjectValue } from '../../../codec/structures/managed-objects.ts';
import { isTagKnownIn } from '../../../codec/tags.ts';
import type { Version } from '../../../codec/version.ts';
import { fail } from '../../common/errors.ts';
import { plainKey } from '../../crypto/plain-key.ts';
import type { CryptoProvider } from '../../crypto/provider.ts';
import type { ManagedObject } from '../../object/managed-object.ts';
import {
  requireClearAllowed,
  requireFormatAllowed,
  requireStateAllowed,
} from '../../object/roles/role-limits.ts';
import type { Context } from '../context.ts';
import { failWithoutKeyValue } from '../usable-key.ts';
import {
  isSensitiveObject,
  recordDisclosure,
  refuseSensitive,
  requireExtractable,
  requireNotSensitive,
} from './disclosure.ts';
import { refuseExposure } from './exposure.ts';
import { removeAttributes } from './object-import.ts';
import { decodeFromPkcs12, encodeAsPkcs12, isPkcs12, presentPkcs12 } from './pkcs12.ts';
import { notUnwrapped, type UnwrappedObject, unwrapObject } from './unwrapping.ts';
import { findStoredExposure, isEncrypted, wrapObject } from './wrapping.ts';

/** Functions shared by the operations that return object values. */

/** Fields of Get and Export that choose the form of the value. */
export interface ExportRequest {
  readonly KeyFormatType?: KeyFormatType | undefined;
  readonly KeyWrapType?: KeyWrapType | undefined;
  readonly KeyCompressionType?: KeyCompressionType | undefined;
  readonly KeyWrappingSpecification?: KeyWrappingSpecification | undefined;
}

/**
 * Returns the object's value for a client: unwrapped, converted and wrapped as requested, in this order. The
 * object keeps in its provenance that the value has left, which the first time changes it. Where the role of
 * the client lets values leave wrapped only, each leaves as that of a sensitive object.
 * @throws {KmipError} NotExtractable, Sensitive when the result would not be encrypted, or under `strict`
 *   protection by a key that clients may know, WrongKeyLifecycleState or KeyFormatTypeNotSupported for a
 *   state or a format that the role does not allow, or as those steps do
 */
export async function prepareForExport(
  object: ManagedObject,
  value: ManagedObjectValue,
  request: ExportRequest,
  context: Context,
): Promise<ManagedObjectValue> {
  requireExtractable(object);
  requireStateAllowed(object, context);
  const { KeyWrapType: wrapType, KeyWrappingSpecification: specification } = request;
  if (typeof wrapType === 'number') fail('KeyWrapTypeNotSupported', 'there is no such Key Wrap Type');
  const staysWrapped = wrapType !== 'NotWrapped' && isEncrypted(value);
  if (specification === undefined && !staysWrapped) {
    requireNotSensitive(object);
    requireClearAllowed(context);
  }
  const unwrapped = wrapType === 'NotWrapped' ? await unwrapIfWrapped(value, context) : notUnwrapped(value);
  // What is unwrapped is as protected as the key that it comes from, as with Import.
  const source = context.protection === 'strict' ? unwrapped.key : undefined;
  if (source !== undefined) requireExtractable(source);
  const isSensitive =
    context.principal.restrictions?.()?.isWrappingRequired === true ||
    [object, source].some((each) => each !== undefined && isSensitiveObject(each));
  const converted = await convertFormat(object, unwrapped.value, request, context);
  requireFormatAllowed(formatOf(converted), context);
  if (specification !== undefined && isPkcs12(converted)) failToWrapPkcs12();
  const wrapped =
    specification === undefined
      ? presentPkcs12(converted, context.version)
      : await wrapObject(
          object,
          { value: converted, isSensitive, known: unwrapped.known },
          specification,
          context,
        );
  if (isSensitive) await requireWrapped(object, wrapped, specification === undefined, context);
  requireRepresentableIn(wrapped, context.version);
  if (specification === undefined) recordDisclosure(object, 'clear', context);
  return wrapped;
}

function failToWrapPkcs12(): never {
  fail(
    'KeyWrapTypeNotSupported',
    'a PKCS#12 is encrypted by its password and not by a key',
    'IllegalOperation',
  );
}

/**
 * Refuses a sensitive value that is not encrypted. A value that is returned `asStored` was wrapped by a
 * client, and under `strict` protection has to be wrapped as the server would do it.
 */
async function requireWrapped(
  object: ManagedObject,
  value: ManagedObjectValue,
  asStored: boolean,
  context: Context,
): Promise<void> {
  if (!isEncrypted(value)) refuseSensitive();
  if (!asStored || context.protection === 'kmip' || !hasKeyBlock(value)) return;
  const exposure = await findStoredExposure(object, value.value.KeyBlock.KeyWrappingData, context);
  if (exposure !== undefined) refuseExposure(exposure);
}

/** Converts the value into the requested format; PKCS#12 needs the password that the object is linked to. */
async function convertFormat(
  object: ManagedObject,
  value: ManagedObjectValue,
  { KeyFormatType: wanted, KeyCompressionType: compression }: ExportRequest,
  context: Context,
): Promise<ManagedObjectValue> {
  const storedFormat = hasKeyBlock(value) ? value.value.KeyBlock.KeyFormatType : undefined;
  if (
    !hasKeyBlock(value) ||
    wanted === undefined ||
    wanted === storedFormat ||
    (wanted !== 'PKCS_12' && storedFormat !== 'PKCS_12')
  )
    return convertKeyFormat(value, wanted, compression, context.crypto);
  if (wanted === 'PKCS_12') return encodeAsPkcs12(object, value, context);
  return convertKeyFormat(
    (await decodeFromPkcs12(object, value, context)) ?? value,
    wanted,
    compression,
    context.crypto,
  );
}

/**
 * Unwraps the key and drops attributes that were wrapped with it: Veeam fails on attributes in the answer of
 * Get.
 */
async function unwrapIfWrapped(value: ManagedObjectValue, context: Context): Promise<UnwrappedObject> {
  if (!hasKeyBlock(value)) return notUnwrapped(value);
  const { value: plain, ...unwrapped } = await unwrapObject(value, context);
  return { value: removeAttributes(plain), ...unwrapped };
}

/**
 * Refuses a value that the client's version cannot express: an object type, key format, curve or Split Key
 * Method introduced later, or a Template in versions without them. The client may ask for another format.
 * @throws {KmipError} InvalidObjectType, KeyFormatTypeNotSupported or KeyValueNotPresent
 */
export function requireRepresentableIn(value: ManagedObjectValue, version: Version): void {
  if (!ObjectType.isKnownIn(value.type, version))
    fail('InvalidObjectType', `KMIP ${version} knows no ${value.type}`);
  if (value.type === 'SplitKey' && !SplitKeyMethod.isIntroducedBy(value.value.SplitKeyMethod, version))
    fail('KeyFormatTypeNotSupported', `KMIP ${version} does not know the Split Key Method of the key`);
  if (hasKeyBlock(value)) requireKeyRepresentableIn(value.value.KeyBlock, version);
}

function requireKeyRepresentableIn({ KeyFormatType: format, KeyValue }: KeyBlock, version: Version): void {
  if (!KeyFormatType.isIntroducedBy(format, version))
    fail('KeyFormatTypeNotSupported', `KMIP ${version} does not know the format the key is stored in`);
  // Until 1.1 a Key Block must have a Key Value.
  if (KeyValue === undefined && !isTagKnownIn('KeyValuePresent', version))
    failWithoutKeyValue('IllegalOperation');
  const curve = curveOf(KeyValue);
  if (curve !== undefined && !RecommendedCurve.isIntroducedBy(curve, version))
    fail(
      'KeyFormatTypeNotSupported',
      `KMIP ${version} does not know the curve of the key: ask for another format`,
    );
}

function curveOf(keyValue: KeyValue | undefined): RecommendedCurve | undefined {
  if (keyValue === undefined || keyValue instanceof Uint8Array) return undefined;
  return keyValue.KeyMaterial instanceof Uint8Array ? undefined : keyValue.KeyMaterial.RecommendedCurve;
}

/**
 * Converts a key into another format and compression, without PKCS#12.
 * @throws {KmipError} KeyFormatTypeNotSupported, KeyCompressionTypeNotSupported or KeyValueNotPresent
 */
function convertKeyFormat(
  value: ManagedObjectValue,
  format: KeyFormatType | undefined,
  compression: KeyCompressionType | undefined,
  crypto: CryptoProvider,
): ManagedObjectValue {
  if (!hasKeyBlock(value)) {
    if (compression !== undefined)
      fail('KeyCompressionTypeNotSupported', `a ${value.type} cannot be compressed`);
    if (format !== undefined && !isOnlyFormat(value, format))
      fail('KeyFormatTypeNotSupported', `a ${value.type} has no format ${format}`);
    return value;
  }
  const block = value.value.KeyBlock;
  const wanted = format ?? block.KeyFormatType;
  if (wanted === block.KeyFormatType && compression === undefined) return value;
  if (block.KeyValue === undefined) failWithoutKeyValue('IllegalOperation');
  const key = plainKey(value.type, block);
  if (key === undefined) fail('KeyFormatTypeNotSupported', 'only a plain key can change its format');
  const converted: KeyBlock = {
    ...block,
    KeyFormatType: wanted,
    KeyCompressionType: compression,
    KeyValue: { KeyMaterial: crypto.convertKey(key, wanted, compression), Attributes: [] },
  };
  return { ...value, value: { ...value.value, KeyBlock: converted } } as ManagedObjectValue;
}

/** Objects without a Key Block have one format only, which a client may name. */
function isOnlyFormat(value: ManagedObjectValue, format: KeyFormatType): boolean {
  return formatOf(value) === format;
}

/** Returns the Key Format Type of a value; undefined when it has none, such as a Template. */
export function formatOf(value: ManagedObjectValue): KeyFormatType | undefined {
  if (hasKeyBlock(value)) return value.value.KeyBlock.KeyFormatType;
  switch (value.type) {
    case 'Certificate':
      return value.value.CertificateType === 'X_509' ? 'X_509' : undefined;
    case 'CertificateRequest':
      return value.value.CertificateRequestType === 'PKCS_10' ? 'PKCS_10' : undefined;
    case 'OpaqueObject':
      return 'Opaque';
    default:
      return undefined;
  }
}
