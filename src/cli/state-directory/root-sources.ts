import type { RootUri } from '../../common/root-uri.ts';
import type { Config } from '../../config/index.ts';
import { joinShares, splitSecret } from '../../crypto/secret-sharing/split-key.ts';
import type { SharingPolynomial } from '../../crypto/secret-sharing.ts';
import { createRootSource, type RootContext } from '../../vault/roots/create-source.ts';
import type { RootSource } from '../../vault/roots/root.ts';
import type { RootSharing } from '../../vault/roots/share-root.ts';
import type { StateDirectory } from './state-directory.ts';
import { TokenRoots } from './token-roots.ts';

/** How a process deals with the people who open a root, and with the tokens that have one. */
export interface RootAttendance
  extends Pick<RootContext, 'askPassphrase' | 'deliverShares' | 'sharesExpired'> {
  /** Where the process sees the state of its tokens; left out where it opens them for a moment. */
  readonly tokens?: TokenRoots;
}

/** The field of FIPS 197. */
const polynomial: SharingPolynomial = 283;

/** Shamir's sharing over GF(2^8), as Split Keys use it. */
const sharing: RootSharing = {
  split: async (secret, threshold, parts) =>
    (await splitSecret(secret, { method: 'PolynomialSharingGF2_8', threshold, parts, polynomial })).shares,
  join: (shares, threshold, parts) =>
    joinShares(shares, { method: 'PolynomialSharingGF2_8', threshold, parts, polynomial }, undefined),
};

/** Creates the sources of the roots that a configuration names; nothing is read yet. */
export function createRootSources(
  stateDirectory: StateDirectory,
  { vault }: Pick<Config, 'vault'>,
  { tokens = new TokenRoots(stateDirectory), ...attendance }: RootAttendance = {},
): readonly RootSource[] {
  return vault.root.map((uri) => openRootSource(stateDirectory, uri, { tokens, ...attendance }));
}

/** Creates the source of one root of a state directory; nothing is read yet. */
export function openRootSource(
  stateDirectory: StateDirectory,
  uri: RootUri,
  { tokens = new TokenRoots(stateDirectory), ...attendance }: RootAttendance = {},
): RootSource {
  const { rootSettings: settingsFile } = stateDirectory;
  const openers = { pkcs11: tokens.open };
  const credentialsDirectory = process.env.CREDENTIALS_DIRECTORY;
  return createRootSource(uri, { settingsFile, credentialsDirectory, sharing, openers, ...attendance });
}
