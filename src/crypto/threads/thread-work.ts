import { decrypt } from '../ciphers/encryption.ts';
import { sign, verify } from '../signatures/signatures.ts';
import { encodePkcs12 } from '../x509/pkcs12.ts';
import { decodePkcs12 } from '../x509/pkcs12-reader.ts';

/** What the threads can be asked for. Arguments and results are data that can be copied; results own their memory. */
export const work = { decrypt, sign, verify, encodePkcs12, decodePkcs12 };
export type Work = typeof work;
