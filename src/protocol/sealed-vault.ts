import { KmipError } from '../common/errors.ts';

/**
 * Returns the refusal of requests that need keys while the vault is sealed. It is the operator's task to
 * unseal the vault, so the client learns no more than that.
 */
export function sealedVaultRefusal(): KmipError {
  return new KmipError(
    'GeneralFailure',
    'the vault is sealed: an operator has to make the root key available',
  );
}
