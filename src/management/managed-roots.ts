/** The change of the roots of a database. */
export interface ManagedRoots {
  /**
   * Makes what is missing of a root that is to become live, and encrypts shares of it for `publicKey`; null:
   * ends the one before. `isMade`: it was made before.
   * @throws {VaultUnavailableError} when it cannot be made.
   */
  prepare(uri: string | null, isMade: boolean, publicKey: string): Promise<readonly string[]>;
  /**
   * Makes a root live, see `LocalVault.addRoot`, and resolves to its id.
   * @throws {VaultUnavailableError}
   */
  add(uri: string): Promise<string>;
  /**
   * Ends all other roots, after a vault was started from this one alone.
   * @throws {VaultUnavailableError}
   */
  keep(id: string): Promise<void>;
}
