/** A node: the processes of one home, and the lanes that they write. */
export interface NodeSummary {
  readonly name: string;
  /** Whether it is the node of the process that answers. */
  readonly isOwn: boolean;
  readonly lanes: readonly string[];
  /** The number of commits of all its lanes. */
  readonly commits: number;
  /** Generation of the keyring that it knew when it wrote last. */
  readonly keyring: number;
  /** Ids of the live roots that it had at hand then. */
  readonly roots: readonly string[];
  /** The oldest epoch under which one of its lanes is sealed. */
  readonly oldestEpoch: number;
  /** When it wrote last: POSIX seconds; null where its lanes do not state it. */
  readonly writtenAt: number | null;
}

/** The nodes of the database. */
export interface ManagedNodes {
  list(): Promise<readonly NodeSummary[]>;
  /**
   * Folds the lanes of a node that has made so many commits; false when it has written meanwhile, or another
   * process has removed it.
   */
  remove(name: string, commits: number): Promise<boolean>;
  /**
   * Seals the lanes of the commands of this node anew, under the epoch in use; false when one has written
   * meanwhile. The caller keeps commands from writing.
   */
  renew(): Promise<boolean>;
}
