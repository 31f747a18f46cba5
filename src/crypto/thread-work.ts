import { decrypt } from './encryption.ts';
import { bundle } from './pkcs12.ts';
import { unbundle } from './pkcs12-reader.ts';
import { sign, verify } from './signatures.ts';

/** What the threads can be asked for. Arguments and results are data that can be copied; results own their memory. */
export const work = { decrypt, sign, verify, bundle, unbundle };
export type Work = typeof work;
