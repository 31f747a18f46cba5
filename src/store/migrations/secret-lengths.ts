import type { Migration } from './migration.ts';

/** The Cryptographic Length of what may be a password was in a column that can be read. */
export const secretLengths: Migration = {
  version: 6,
  name: 'secret lengths',
  statements: () => [
    "update managed_object set length = null where object_type in ('SecretData', 'OpaqueObject')",
  ],
};
