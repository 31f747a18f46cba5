/** The change of the roots of a database. */
export interface ManagedRoots {
  /**
   * Makes what is missing of a root that is to become live, and encrypts the shares that it makes.
   * @param uri null: ends the one before
   * @param isMade whether it was made before
   * @param publicKey of the process that shows the shares; null: it makes none
   * @throws {VaultUnavailableError} when it cannot be made.
   */
  prepare(uri: string | null, isMade: boolean, publicKey: string | null): Promise<readonly string[]>;
  /**
   * Makes a root live, see `LocalVault.addRoot`, and resolves to its id.
   * @param mayBeLive whether it may be the only one that is live already: then only its source changes
   * @throws {VaultUnavailableError}
   * @throws {ManagementError} when it is and may not; nothing has changed then.
   */
  add(uri: string, mayBeLive: boolean): Promise<string>;
  /**
   * Ends all other roots, after a vault was started from this one alone. `check` as that of
   * `LocalVault.keepRoot`.
   * @throws {VaultUnavailableError} otherwise as `check`.
   */
  keep(id: string, check: () => Promise<void>): Promise<void>;
}
