import {
  BlockCipherMode,
  CryptographicAlgorithm,
  DigitalSignatureAlgorithm,
  DRBGAlgorithm,
  FIPS186Variation,
  HashingAlgorithm,
  KeyRoleType,
  MaskGenerator,
  PaddingMethod,
  RecommendedCurve,
  RNGAlgorithm,
} from '../enums.ts';
import { bool, bytes, type Infer, integer, maybe, one, since, struct } from '../schema.ts';

/** KMIP 2.1 §4.13, 1.4 §3.6. */
export const CryptographicParameters = struct({
  BlockCipherMode: maybe(BlockCipherMode),
  PaddingMethod: maybe(PaddingMethod),
  HashingAlgorithm: maybe(HashingAlgorithm),
  KeyRoleType: maybe(KeyRoleType),
  DigitalSignatureAlgorithm: since('1.2', maybe(DigitalSignatureAlgorithm)),
  CryptographicAlgorithm: since('1.2', maybe(CryptographicAlgorithm)),
  RandomIV: since('1.2', maybe(bool)),
  IVLength: since('1.2', maybe(integer)),
  TagLength: since('1.2', maybe(integer)),
  FixedFieldLength: since('1.2', maybe(integer)),
  InvocationFieldLength: since('1.2', maybe(integer)),
  CounterLength: since('1.2', maybe(integer)),
  InitialCounterValue: since('1.2', maybe(integer)),
  SaltLength: since('1.4', maybe(integer)),
  MaskGenerator: since('1.4', maybe(MaskGenerator)),
  MaskGeneratorHashingAlgorithm: since('1.4', maybe(HashingAlgorithm)),
  PSource: since('1.4', maybe(bytes)),
  TrailerField: since('1.4', maybe(integer)),
});
export type CryptographicParameters = Infer<typeof CryptographicParameters>;

/** KMIP 2.1 §4.12, 1.4 §3.7. */
export const CryptographicDomainParameters = struct({
  Qlength: maybe(integer),
  RecommendedCurve: maybe(RecommendedCurve),
});
export type CryptographicDomainParameters = Infer<typeof CryptographicDomainParameters>;

/** KMIP 2.1 §7.30 RNG Parameters, 1.4 §2.1.18. */
export const RNGParameters = struct({
  RNGAlgorithm: one(RNGAlgorithm),
  CryptographicAlgorithm: maybe(CryptographicAlgorithm),
  CryptographicLength: maybe(integer),
  HashingAlgorithm: maybe(HashingAlgorithm),
  DRBGAlgorithm: maybe(DRBGAlgorithm),
  RecommendedCurve: maybe(RecommendedCurve),
  FIPS186Variation: maybe(FIPS186Variation),
  PredictionResistance: maybe(bool),
});
export type RNGParameters = Infer<typeof RNGParameters>;
