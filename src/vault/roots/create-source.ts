import { formatRootUri, type RootUri, type SingleRootUri } from '../../common/root-uri.ts';
import type { Secret } from '../../common/secret.ts';
import { VaultUnavailableError } from '../vault.ts';
import { createCredentialRoot, credentialFile } from './credential-root.ts';
import { createFileRoot } from './file-root.ts';
import { createJoinedRoot } from './joined-root.ts';
import { type AskPassphrase, createPassphraseFileRoot, TypedPassphraseRoot } from './passphrase-root.ts';
import type { RootSource } from './root.ts';
import { type RootSharing, ShareRoot } from './share-root.ts';

/** Creates the source of a root of which only another part of the program knows, by its URI. */
export type RootOpener = (uri: string) => RootSource;

/** What sources need of the process that opens them. */
export interface RootContext {
  /** File of the home with what it keeps of the root, see `RootSettings`. */
  readonly settingsFile: string;
  /** $CREDENTIALS_DIRECTORY. */
  readonly credentialsDirectory: string | undefined;
  readonly sharing: RootSharing;
  /** By the scheme of the URI, such as `pkcs11`. */
  readonly openers: Readonly<Record<string, RootOpener>>;
  /** Absent without a terminal. */
  readonly askPassphrase?: AskPassphrase | undefined;
  /** See `ShareRootOptions.deliver`. */
  readonly deliverShares?: ((lines: readonly Secret[]) => Promise<void>) | undefined;
  /** See `ShareRootOptions.expired`. */
  readonly sharesExpired?: (() => void) | undefined;
}

/** Creates the source of a root. Nothing is read before it is opened. */
export function createRootSource(uri: RootUri, context: RootContext): RootSource {
  if (uri.kind !== 'all-of') return createSingle(uri, context);
  return createJoinedRoot(
    formatRootUri(uri),
    uri.parts.map((part) => createSingle(part, context)),
  );
}

function createSingle(uri: SingleRootUri, context: RootContext): RootSource {
  const { settingsFile, credentialsDirectory, sharing, openers } = context;
  switch (uri.kind) {
    case 'file':
      return createFileRoot(uri.path);
    case 'credential':
      return createCredentialRoot(uri.name, credentialsDirectory);
    case 'passphrase': {
      const { file, credential } = uri;
      if (file !== undefined)
        return createPassphraseFileRoot(formatRootUri(uri), settingsFile, {
          ...{ path: () => file, mayBeShared: false },
        });
      if (credential !== undefined)
        return createPassphraseFileRoot(formatRootUri(uri), settingsFile, {
          ...{ path: () => credentialFile(credentialsDirectory, credential), mayBeShared: true },
        });
      return new TypedPassphraseRoot(settingsFile, context.askPassphrase);
    }
    case 'shares': {
      const { threshold, parts } = uri;
      const { deliverShares: deliver, sharesExpired: expired } = context;
      return new ShareRoot({ threshold, parts, settingsFile, sharing, deliver, expired });
    }
    case 'pkcs11':
      return openers.pkcs11?.(uri.uri) ?? createUnsupported(uri.uri);
  }
}

/** A token in a kmipd without what opens it: the vault is sealed and says so. */
function createUnsupported(uri: string): RootSource {
  return {
    uri,
    async open() {
      throw new VaultUnavailableError(
        'the root is in a token, and this kmipd has no support for tokens: install it, or give another [vault] root',
      );
    },
  };
}
