/** What operators are told about roots and the keyring, one line each. */

/** How a root is called in a sentence. */
export function nameOfRoot(uri: string): string {
  const file = /^file:(.+)$/s.exec(uri)?.[1];
  return file === undefined ? `the root ${uri}` : `the root key ${file}`;
}

/** A root that does not decrypt the keyring of the database. */
export function foreignRootMessage({ uri }: { readonly uri: string }): string {
  if (/^passphrase:/.test(uri))
    return `the passphrase (${uri}) is wrong, or the database is encrypted under another root`;
  return `${nameOfRoot(uri)} cannot decrypt the keyring: the database is encrypted under another root key`;
}

/** A root that leaked and would be replaced by itself, under whatever URI. */
export const sameRootMessage = (uri: string): string =>
  `nothing was changed: ${uri} has the key that opens the database already, which would not end; name a root with another key`;

/** A root that decrypts a keyring which somebody has changed. */
export const alteredKeyringMessage =
  'the keyring in the database was altered: restore the database from its backup';
