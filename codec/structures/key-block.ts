import { reference1x } from '../attribute-forms.ts';
import {
  CryptographicAlgorithm,
  EncodingOption,
  KeyCompressionType,
  KeyFormatType,
  RecommendedCurve,
  WrappingMethod,
} from '../enums.ts';
import { type Attribute, keyValueAttributes } from '../eras.ts';
import { plan } from '../plan.ts';
import { big, bytes, type Custom, type Infer, integer, many, maybe, one, since, struct } from '../schema.ts';
import { tagNumber } from '../tags.ts';
import { newestVersion, type Version } from '../version.ts';
import { BinaryReader, checkStructure, type WireLimits } from '../wire/binary-reader.ts';
import { encodeMessage } from '../wire/binary-writer.ts';
import { Type } from '../wire/types.ts';
import { WireError } from '../wire-error.ts';
import { CryptographicParameters } from './cryptographic-parameters.ts';
import { identifier } from './identifier.ts';

/**
 * Key material of every transparent format in one structure (KMIP 2.1 §3.1–3.11, 1.4 §2.1.7): the formats
 * share field names in the same order. The code that creates objects checks which fields a format requires.
 */
export const TransparentKeyMaterial = struct({
  Key: maybe(bytes),
  Modulus: maybe(big),
  PrivateExponent: maybe(big),
  PublicExponent: maybe(big),
  P: maybe(big),
  Q: maybe(big),
  PrimeExponentP: maybe(big),
  PrimeExponentQ: maybe(big),
  CRTCoefficient: maybe(big),
  G: maybe(big),
  J: maybe(big),
  X: maybe(big),
  Y: maybe(big),
  RecommendedCurve: maybe(RecommendedCurve),
  D: maybe(big),
  QString: maybe(bytes),
});
export type TransparentKeyMaterial = Infer<typeof TransparentKeyMaterial>;

/** Key Material: bytes, or the fields of a transparent key. */
export type KeyMaterial = Uint8Array | TransparentKeyMaterial;

const keyMaterial: Custom<KeyMaterial> = {
  kind: 'custom',
  examples: () => [
    Uint8Array.of(1, 2, 3),
    { Key: Uint8Array.of(1, 2, 3) },
    { P: new Uint8Array(8), G: new Uint8Array(8) },
  ],
  compile(version) {
    const transparent = plan(TransparentKeyMaterial, version);
    return {
      read: (reader) => (reader.type() === Type.Structure ? transparent.read(reader) : reader.byteString()),
      write(writer, tag, value) {
        if (value instanceof Uint8Array) writer.byteString(tag, value);
        else transparent.write(writer, tag, value);
      },
    };
  },
};

/**
 * Encodes the Key Material item of a transparent key, header included, as it is stored; the input of Digest
 * (KMIP 2.1 §4.17).
 */
export function encodeKeyMaterial(material: TransparentKeyMaterial): Uint8Array {
  const { write } = plan(TransparentKeyMaterial, newestVersion);
  return encodeMessage((writer) => write(writer, tagNumber('KeyMaterial'), material));
}

const plainKeyValue = struct({ KeyMaterial: one(keyMaterial), Attributes: keyValueAttributes });

/** A Key Value that is not wrapped. */
export interface PlainKeyValue {
  KeyMaterial: KeyMaterial;
  Attributes: readonly Attribute[];
}

/** Key Value: key material with attributes, or bytes when the key is wrapped. */
export type KeyValue = Uint8Array | PlainKeyValue;

const keyValue: Custom<KeyValue> = {
  kind: 'custom',
  examples: () => [Uint8Array.of(9, 9), { KeyMaterial: Uint8Array.of(1, 2, 3), Attributes: [] }],
  compile(version) {
    const plain = plan(plainKeyValue, version);
    return {
      read: (reader) => (reader.type() === Type.ByteString ? reader.byteString() : plain.read(reader)),
      write(writer, tag, value) {
        if (value instanceof Uint8Array) writer.byteString(tag, value);
        else plain.write(writer, tag, value);
      },
    };
  },
};

const keyValueTag = tagNumber('KeyValue');

/**
 * Encodes the Key Value item, header included, for a client of that version; the input of TTLV Encoding (KMIP
 * 2.1 §11.18).
 */
export function encodeKeyValue(value: PlainKeyValue, version: Version): Uint8Array {
  const { write } = plan(plainKeyValue, version);
  return encodeMessage((writer) => write(writer, keyValueTag, value));
}

/** The newest version of each era: one for each form of the attributes inside a Key Value. */
export const keyValueVersions: readonly Version[] = [newestVersion, '1.4'];

/**
 * The inverse of `encodeKeyValue`, for a Key Value of any version; byte strings are views of `encoded`.
 * Undefined for other bytes. The reason is not reported, because the bytes may be the result of a decryption.
 */
export function decodeKeyValue(encoded: Uint8Array, limits: WireLimits): PlainKeyValue | undefined {
  for (const version of keyValueVersions) {
    try {
      checkStructure(encoded, limits);
      const reader = new BinaryReader(encoded);
      if (reader.tag() !== keyValueTag) return undefined;
      const value = plan(plainKeyValue, version).read(reader);
      return reader.tag() === 0 ? value : undefined;
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
    }
  }
  return undefined;
}

/** KMIP 2.1 §3.1 Encryption Key Information, 1.4 §2.1.5. */
export const EncryptionKeyInformation = struct({
  UniqueIdentifier: one(identifier),
  CryptographicParameters: maybe(CryptographicParameters),
});
export type EncryptionKeyInformation = Infer<typeof EncryptionKeyInformation>;

/** KMIP 2.1 §3.1 MAC/Signature Key Information, 1.4 §2.1.5. */
export const MACSignatureKeyInformation = struct({
  UniqueIdentifier: maybe(identifier),
  CryptographicParameters: maybe(CryptographicParameters),
});
export type MACSignatureKeyInformation = Infer<typeof MACSignatureKeyInformation>;

/** KMIP 2.1 §3.1 Key Wrapping Data, 1.4 §2.1.5. */
export const KeyWrappingData = struct({
  WrappingMethod: one(WrappingMethod),
  EncryptionKeyInformation: maybe(EncryptionKeyInformation),
  MACSignatureKeyInformation: maybe(MACSignatureKeyInformation),
  MACSignature: maybe(bytes),
  IVCounterNonce: maybe(bytes),
  EncodingOption: since('1.1', maybe(EncodingOption)),
});
export type KeyWrappingData = Infer<typeof KeyWrappingData>;

/** KMIP 2.1 §3.1, 1.4 §2.1.3. Key Value is absent for objects without stored key material (since 1.2). */
export const KeyBlock = struct({
  KeyFormatType: one(KeyFormatType),
  KeyCompressionType: maybe(KeyCompressionType),
  KeyValue: maybe(keyValue),
  CryptographicAlgorithm: maybe(CryptographicAlgorithm),
  CryptographicLength: maybe(integer),
  KeyWrappingData: maybe(KeyWrappingData),
});
export type KeyBlock = Infer<typeof KeyBlock>;

/** KMIP 2.1 §7.12, 1.4 §2.1.6: how to wrap a key for the client. Both eras name attributes by text. */
export const KeyWrappingSpecification = struct({
  WrappingMethod: one(WrappingMethod),
  EncryptionKeyInformation: maybe(EncryptionKeyInformation),
  MACSignatureKeyInformation: maybe(MACSignatureKeyInformation),
  AttributeName: many(reference1x),
  EncodingOption: since('1.1', maybe(EncodingOption)),
});
export type KeyWrappingSpecification = Infer<typeof KeyWrappingSpecification>;
