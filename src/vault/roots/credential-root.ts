import { join } from 'node:path';
import { Secret } from '../../common/secret.ts';
import { decodeKeyText } from '../secret-text.ts';
import { VaultUnavailableError } from '../vault.ts';
import { ByteRoot, rootBytes } from './byte-root.ts';
import { RootMissingError, type RootSource } from './root.ts';
import { readSecretFile } from './secret-file.ts';
import { watchFiles } from './watch-files.ts';

/** The line of a root key file, and white space around it. */
const maxBytes = 128;

/**
 * Returns the path of a credential of the service.
 * @throws {RootMissingError} when the service manager gives none.
 */
export function credentialFile(directory: string | undefined, name: string): string {
  if (directory !== undefined && directory !== '') return join(directory, name);
  throw new RootMissingError(
    `there is no credential ${name}: $CREDENTIALS_DIRECTORY is not set; give it in the unit, LoadCredentialEncrypted=${name}`,
  );
}

/** Names what is missing and where it comes from. */
function missingCredential(file: string, name: string): RootMissingError {
  return new RootMissingError(
    `the credential ${file} is missing: give it in the unit, LoadCredentialEncrypted=${name}`,
  );
}

/**
 * Creates the source of a root in a credential of systemd (LoadCredential, LoadCredentialEncrypted): 32
 * bytes, or the line of a root key file. `directory`: $CREDENTIALS_DIRECTORY, whose modes systemd sets.
 */
export function createCredentialRoot(name: string, directory: string | undefined): RootSource {
  const read = (): Secret => {
    const file = credentialFile(directory, name);
    const form = `${rootBytes} bytes, or one line of them in hex or base64`;
    using content = readSecretFile(file, { what: 'the credential', maxBytes, form, mayBeShared: true });
    if (content === undefined) throw missingCredential(file, name);
    const key =
      content.length === rootBytes ? Secret.copyOf(content.bytes).bytes : decodeKeyText(content.bytes);
    if (key === undefined) throw new VaultUnavailableError(`the credential ${file} is not ${form}`);
    return new Secret(key);
  };
  return {
    uri: `credential:${name}`,
    open: async (storeId) => new ByteRoot(read(), storeId),
    readBytes: async () => read(),
    watch: (arrived) => (directory ? watchFiles([join(directory, name)], arrived) : () => {}),
  };
}
