import type { Secret } from '../common/secret.ts';
import { readEpoch } from './box.ts';
import { TokenValues } from './direct-values.ts';
import { brokenSeal, rowOf } from './forged-row.ts';
import { giveToRoots } from './give-to-roots.ts';
import { type Keyring, sealEpochsOf, wipeKeyring } from './keyring.ts';
import { KeyringAccess, requireStored } from './keyring-access.ts';
import { KeyringKnowledge } from './keyring-knowledge.ts';
import type { LocalVault, LocalVaultOptions } from './local-vault.ts';
import { noKeyring, OpenKeyring } from './open-keyring.ts';
import { RootChanges } from './root-changes.ts';
import type { RootIntent, RootSource } from './roots/root.ts';
import { defaultActivationSeconds, SealEpochs } from './seal-epochs.ts';
import {
  type RowIndex,
  type SealContext,
  type SealCounter,
  type SealedKey,
  VaultUnavailableError,
} from './vault.ts';
import type { UnsealProgress, VaultStatus } from './vault-status.ts';
import { VaultWatch } from './vault-watch.ts';

/**
 * Opens a vault. Without a usable root it is sealed, with the reason in `sealedBecause`, and retries every
 * `refreshSeconds` and when a source says that its root has come. Rejects only when the keyring cannot be
 * read.
 */
export async function openLocalVault(options: LocalVaultOptions): Promise<LocalVault> {
  const vault = new KeyringVault(options);
  do await vault.refresh();
  while (!vault.unsealed && options.roots.some(({ mayAskAgain }) => mayAskAgain));
  vault.watch();
  return vault;
}

class KeyringVault implements LocalVault {
  readonly #options: LocalVaultOptions;
  readonly #access: KeyringAccess;
  readonly #rootChanges: RootChanges;
  readonly #now: () => number;
  readonly #epochs: SealEpochs;
  readonly #knowledge: KeyringKnowledge;
  readonly direct: TokenValues;
  readonly #watch: VaultWatch;
  #keyring: OpenKeyring | undefined;
  #sealedBecause: string | undefined;
  /** Whether the roots are to be opened anew although the keyring is the one in use. */
  #mustReopen = false;
  #refreshing: Promise<void> | undefined;
  #closed = false;

  constructor(options: LocalVaultOptions) {
    [this.#options, this.#now] = [options, options.now ?? Date.now];
    this.#access = new KeyringAccess(options, this.#now);
    this.#rootChanges = new RootChanges(this.#access);
    const { activationDelaySeconds = defaultActivationSeconds } = options;
    this.#knowledge = new KeyringKnowledge(activationDelaySeconds, this.#now);
    this.#watch = new VaultWatch(options.refreshSeconds ?? 60, () => this.refresh());
    const vault = this;
    this.#epochs = new SealEpochs(
      {
        get keyring() {
          return vault.#requireKeyring();
        },
        change: (change) => this.#change(change),
        refresh: () => this.refresh(),
      },
      options,
    );
    this.direct = new TokenValues(
      {
        requireKeyring: () => this.#requireKeyring(),
        takeEpoch: () => this.#epochs.take(),
        currentEpoch: () => this.#epochs.current,
        sources: () => this.#rootChanges.sources,
        roots: () => (this.#keyring?.roots ?? []).map(({ id }) => id),
        rootsAtHand: () => this.rootsAtHand,
      },
      options,
    );
  }

  get sealCounter(): SealCounter {
    return this.#epochs.counter;
  }

  get unsealed(): boolean {
    return this.#keyring !== undefined;
  }

  get currentEpoch(): number {
    return this.unsealed ? this.#epochs.current : 0;
  }

  learnStored(generation: number, readAt: number): void {
    this.#knowledge.learnStored(generation, readAt);
  }

  get generation(): number {
    return this.#keyring?.generation ?? 0;
  }

  get rootsAtHand(): readonly string[] {
    return this.#access.rootsAtHand;
  }

  get sealedBecause(): string | undefined {
    return this.#sealedBecause;
  }

  status(): VaultStatus {
    return {
      sealedBecause: this.#sealedBecause ?? null,
      ...this.#rootChanges.status(),
      values: this.direct.mode,
      ...(this.#keyring?.describe(this.currentEpoch, this.#epochs.counter) ?? noKeyring),
    };
  }

  async unseal(input: Secret): Promise<UnsealProgress> {
    const { source, progress, isComplete } = giveToRoots(input, this.#rootChanges, this.unsealed);
    // One that is prepared is opened when it becomes live.
    if (this.#rootChanges.sources.includes(source)) await this.#reopen();
    if (this.#sealedBecause === undefined || !isComplete) return progress;
    throw new VaultUnavailableError(this.#sealedBecause);
  }

  seal(context: SealContext, plain: Uint8Array): SealedKey {
    return this.#requireKeyring().seal(this.#epochs.take(), context, plain);
  }

  open(context: SealContext, sealed: SealedKey): Uint8Array {
    const keyring = this.#requireKeyring();
    const plain = keyring.open(context, sealed);
    const epoch = readEpoch(sealed);
    if (plain !== undefined) {
      // Of a lane as well, by which a process learns what others use.
      this.#epochs.learnUsed(epoch ?? 0);
      this.#options.opened?.(context, sealed);
      return plain;
    }
    // Processes use an epoch long after they have stored it.
    const isCurrent = this.#knowledge.isCurrent && this.#refreshing === undefined;
    if (epoch !== undefined && !isCurrent && keyring.mayFollow(epoch)) {
      this.refresh().catch(() => {});
      throw new VaultUnavailableError(`epoch ${epoch} is not known here yet`);
    }
    this.#options.forged?.(rowOf(context));
    throw brokenSeal(context);
  }

  indexOf(epoch: number): RowIndex {
    return this.#requireKeyring().indexOf(epoch);
  }

  get indexes(): readonly RowIndex[] {
    this.#knowledge.requireFresh(() => this.refresh());
    return this.#access.requireKnown(this.#requireKeyring().indexes);
  }

  element(table: string, id: string, version: number, tag: Uint8Array): bigint {
    return this.#requireKeyring().element(table, id, version, tag);
  }

  get storeNames(): readonly string[] {
    return this.#requireKeyring().storeNames;
  }

  rotate(): Promise<number> {
    return this.#epochs.rotate();
  }

  renewSecrets(): Promise<number> {
    return this.#epochs.renewSecrets();
  }

  secondsUntilRetirement(epoch: number): number {
    return this.#epochs.secondsUntilRetirement(epoch);
  }

  retire(epoch: number): Promise<readonly number[]> {
    return this.#epochs.retire(epoch);
  }

  async endLanes(): Promise<void> {
    this.#access.rememberAlways();
    await this.#epochs.endLanes();
  }

  async prepareRoot(source: RootSource | undefined, isMade: boolean): Promise<void> {
    this.#requireKeyring();
    await this.#rootChanges.prepare(source, isMade);
  }

  async addRoot(source: RootSource, intent: RootIntent = 'create'): Promise<string> {
    this.#requireKeyring();
    const adding = this.#rootChanges.add(source, intent, (added) => this.direct.requireSource(added));
    return requireStored(adding.finally(() => this.#reopen()));
  }

  async keepRoot(id: string, check?: () => Promise<void>): Promise<void> {
    this.#requireKeyring();
    await requireStored(this.#rootChanges.keep(id, check).finally(() => this.#reopen()));
  }

  async useSources(sources: readonly RootSource[]): Promise<void> {
    await this.#rootChanges.use(sources);
    await this.#reopen();
    this.watch();
  }

  refresh(): Promise<void> {
    this.#refreshing ??= this.#readKeyring().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Reads the keyring every so many seconds; while the vault is sealed, also when a root has come. */
  watch(): void {
    this.#watch.start();
    if (!this.unsealed) this.#watch.watchSources(this.#rootChanges.sources, () => this.#retry());
  }

  /** Reads the keyring once more after a reading at work, which may have begun before a root came. */
  async #retry(): Promise<void> {
    await this.#refreshing?.catch(() => {});
    if (!this.unsealed) await this.refresh();
  }

  /** Reads the keyring likewise, and opens the roots although its generation is the one in use. */
  async #reopen(): Promise<void> {
    await this.#refreshing?.catch(() => {});
    this.#mustReopen = true;
    await this.refresh();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#watch.end();
    await Promise.allSettled([this.#refreshing, this.#epochs.awaitRotation()]);
    await this.#rootChanges.close();
    this.#keyring?.wipe();
    [this.#keyring, this.#sealedBecause] = [undefined, 'the vault is closed'];
  }

  #requireKeyring(): OpenKeyring {
    if (this.#keyring === undefined)
      throw new VaultUnavailableError(this.#sealedBecause ?? 'the vault is sealed');
    return this.#keyring;
  }

  /** Reads the stored keyring; once unsealed, asks the roots only when there is something new to learn. */
  async #readKeyring(): Promise<void> {
    if (this.#closed) return;
    const begun = performance.now();
    const stored = await this.#access.read();
    if (stored !== undefined && stored.generation === this.#keyring?.generation) {
      this.#knowledge.noteRead();
      this.#knowledge.noteKnown(stored.generation, begun);
      this.#access.learnOpened();
      // While a database moves, the other nodes want to know which of its roots are at hand here; a root that
      // was lost may be back.
      const isAtHand = this.#keyring.roots.length === 1 && this.rootsAtHand.length > 0;
      if (!this.#mustReopen && isAtHand) return;
    }
    this.#mustReopen = false;
    try {
      this.#use(await this.#access.openOrCreate(stored));
      this.#knowledge.noteKnown(this.generation, begun);
    } catch (error) {
      if (!(error instanceof VaultUnavailableError)) throw error;
      this.#access.loseRoots(error.message, stored);
      if (stored !== undefined && this.#access.knows(this.#keyring?.indexes ?? []))
        this.#knowledge.noteKnown(stored.generation, begun);
      // An unsealed vault stays unsealed: its keys are valid, only the new epoch cannot be unwrapped.
      if (this.unsealed || this.#closed || this.#sealedBecause === error.message) return;
      this.#sealedBecause = error.message;
      this.#options.sealing?.sealed(error.message);
    }
  }

  #use(keyring: Keyring): void {
    this.#epochs.learn(sealEpochsOf(keyring));
    if (this.#closed || keyring.generation <= this.generation) return wipeKeyring(keyring);
    this.#keyring?.wipe();
    const wasSealed = this.#sealedBecause !== undefined;
    [this.#keyring, this.#sealedBecause] = [new OpenKeyring(keyring), undefined];
    this.#knowledge.noteRead();
    this.#watch.endSources();
    if (wasSealed) this.#options.sealing?.unsealed();
  }

  /** Returns false when another process has changed the keyring at the same time. */
  async #change(change: (keyring: Keyring, now: number) => Keyring): Promise<boolean> {
    this.#requireKeyring();
    return this.#access.change(change).finally(() => this.refresh());
  }
}
