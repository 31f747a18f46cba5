import { decrypt } from '../ciphers/encryption.ts';
import { checkKey } from '../keys/key-check.ts';
import { checkShare } from '../secret-sharing/share-check.ts';
import { sign, verify } from '../signatures/signatures.ts';
import { encodePkcs12 } from '../x509/pkcs12.ts';
import { decodePkcs12 } from '../x509/pkcs12-reader.ts';

/**
 * Functions that the threads run. Arguments and results are data that can be copied; results own their
 * memory.
 */
export const threadFunctions = {
  decrypt,
  sign,
  verify,
  encodePkcs12,
  decodePkcs12,
  checkKey,
  checkShare,
};
