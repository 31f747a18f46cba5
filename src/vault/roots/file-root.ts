import type { Secret } from '../../common/secret.ts';
import { createOrReadRootKey, readRootKey } from '../root-key.ts';
import { ByteRoot } from './byte-root.ts';
import { type OpenRoot, RootMissingError, type RootSource } from './root.ts';
import { watchFiles } from './watch-files.ts';

/**
 * Creates the source of the root key in a file. The file is read for each opening, so that a key that was
 * exchanged wraps nothing.
 */
export function createFileRoot(file: string): RootSource {
  const requireKey = (key: Secret | undefined): Secret => {
    if (key !== undefined) return key;
    throw new RootMissingError(
      `the root key ${file} is missing, and the database is encrypted under it: restore it from its backup`,
    );
  };
  const openKey = (key: Secret | undefined, storeId: Uint8Array): OpenRoot =>
    new ByteRoot(requireKey(key), storeId);
  return {
    uri: `file:${file}`,
    open: async (storeId) => openKey(readRootKey(file), storeId),
    create: async (storeId) => openKey(readRootKey(file) ?? createOrReadRootKey(file), storeId),
    readBytes: async () => requireKey(readRootKey(file)),
    watch: (arrived) => watchFiles([file], arrived),
  };
}
