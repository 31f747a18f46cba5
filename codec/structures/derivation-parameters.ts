import { bytes, type Infer, integer, many, maybe, struct } from '../schema.ts';
import { CryptographicParameters } from './cryptographic-parameters.ts';

/** KMIP 2.1 §7.5, 1.4 §2.1.10. Since 2.0 there may be several items of Derivation Data. */
export const DerivationParameters = struct({
  CryptographicParameters: maybe(CryptographicParameters),
  InitializationVector: maybe(bytes),
  DerivationData: many(bytes),
  Salt: maybe(bytes),
  IterationCount: maybe(integer),
});
export type DerivationParameters = Infer<typeof DerivationParameters>;
