import { advancedCryptographic } from './advanced-cryptographic.ts';
import { aesXts } from './aes-xts.ts';
import { asymmetricKeyLifecycle } from './asymmetric-key-lifecycle.ts';
import { baseline } from './baseline.ts';
import { baselineTls12 } from './baseline-tls-1-2.ts';
import { basicCryptographic } from './basic-cryptographic.ts';
import { complete } from './complete.ts';
import { completeTls12 } from './complete-tls-1-2.ts';
import { https } from './https.ts';
import { json } from './json.ts';
import { opaqueManagedObjectStore } from './opaque-managed-object-store.ts';
import { pkcs11 } from './pkcs11.ts';
import type { Profile } from './profile.ts';
import { quantumSafe } from './quantum-safe.ts';
import { rngCryptographic } from './rng-cryptographic.ts';
import { storageArray } from './storage-array.ts';
import { suiteB128 } from './suite-b-128.ts';
import { suiteB192 } from './suite-b-192.ts';
import { symmetricKeyFoundry } from './symmetric-key-foundry.ts';
import { symmetricKeyLifecycle } from './symmetric-key-lifecycle.ts';
import { tapeLibrary } from './tape-library.ts';
import { xml } from './xml.ts';

export type { Profile } from './profile.ts';

/** Every profile of the OASIS profile documents for servers, base profiles first. */
export const profiles: readonly Profile[] = [
  baseline,
  baselineTls12,
  symmetricKeyLifecycle,
  symmetricKeyFoundry,
  asymmetricKeyLifecycle,
  opaqueManagedObjectStore,
  storageArray,
  tapeLibrary,
  quantumSafe,
  suiteB128,
  suiteB192,
  https,
  json,
  xml,
  basicCryptographic,
  advancedCryptographic,
  rngCryptographic,
  aesXts,
  pkcs11,
  complete,
  completeTls12,
];
