import type { Secret } from '../common/secret.ts';
import { readEpoch } from './box.ts';
import { findEpochEnd } from './epoch-end.ts';
import { rowOf } from './forged-row.ts';
import { addSealEpoch, type Keyring, removeRoot, retireSealEpochs } from './keyring.ts';
import { KeyringAccess } from './keyring-access.ts';
import type { LocalVault, LocalVaultOptions } from './local-vault.ts';
import { OpenKeyring } from './open-keyring.ts';
import type { RootSource } from './roots/root.ts';
import { EpochSealCounter } from './seal-counter.ts';
import {
  type KeyPurpose,
  SealBrokenError,
  type SealContext,
  type SealedKey,
  type UnsealProgress,
  type VaultStatus,
  VaultUnavailableError,
} from './vault.ts';

/** Boxes after which none is sealed in an epoch; random nonces allow 2^32 of them (SP 800-38D §8.3). */
const maxSeals = 2 ** 31;
/** So many boxes of all processes before, one of them begins a new epoch. */
const sealsBeforeRotation = 2 ** 30;
/** How long after one attempt the next one begins a new epoch. */
const rotationMilliseconds = 10_000;
/** Epochs that other processes may have added since this process last read the keyring. */
const maxEpochsAhead = 16;
/** How long a keyring that was read counts as current; others wait longer before they use an epoch. */
const currentMilliseconds = 60_000;

/**
 * Opens a vault. Without a usable root it is sealed, with the reason in `sealedBecause`, and retries every
 * `refreshSeconds` and when a source says that its root has come. Rejects only when the keyring cannot be
 * read.
 */
export async function openLocalVault(options: LocalVaultOptions): Promise<LocalVault> {
  const vault = new KeyringVault(options);
  do await vault.refresh();
  while (!vault.unsealed && options.roots.some(({ mayAskAgain }) => mayAskAgain));
  vault.watch(options.refreshSeconds ?? 60);
  return vault;
}

class KeyringVault implements LocalVault {
  readonly sealCounter = new EpochSealCounter();
  readonly #options: LocalVaultOptions;
  readonly #access: KeyringAccess;
  readonly #now: () => number;
  readonly #activationDelay: number;
  #keyring: OpenKeyring | undefined;
  #sealedBecause: string | undefined;
  /** When the keyring in use was last found to be the stored one. */
  #readAt = Number.NEGATIVE_INFINITY;
  #rotatedAt = Number.NEGATIVE_INFINITY;
  #refreshing: Promise<void> | undefined;
  #rotating: Promise<number> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #endWatching: (() => void) | undefined;
  #closed = false;

  constructor(options: LocalVaultOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
    this.#access = new KeyringAccess(options, this.#now);
    this.#activationDelay = options.activationDelaySeconds ?? 120;
  }

  get unsealed(): boolean {
    return this.#keyring !== undefined;
  }

  get currentEpoch(): number {
    return this.#keyring?.currentEpoch(this.#activatedBy()) ?? 0;
  }

  get generation(): number {
    return this.#keyring?.generation ?? 0;
  }

  get sealedBecause(): string | undefined {
    return this.#sealedBecause;
  }

  status(): VaultStatus {
    const configured = this.#options.roots.map(({ uri }) => uri);
    const [keyring, sealedBecause] = [this.#keyring, this.#sealedBecause ?? null];
    if (keyring === undefined) return { sealedBecause, configured, generation: null, roots: [], epochs: [] };
    const epochs = keyring.epochsAt(this.#activatedBy(), (epoch) => this.sealCounter.count(epoch));
    return { sealedBecause, configured, generation: keyring.generation, roots: keyring.roots, epochs };
  }

  async unseal(input: Secret): Promise<UnsealProgress> {
    if (this.unsealed) throw new VaultUnavailableError('the vault is unsealed already');
    const { roots } = this.#options;
    for (const source of roots) {
      const progress = source.accept?.(input);
      if (progress === undefined) continue;
      // What is joined with this one may still be missing; else it is used up by the attempt.
      const isComplete = progress.given >= progress.needed && source.isReady !== false;
      await this.#retry();
      if (this.#sealedBecause === undefined || !isComplete) return progress;
      throw new VaultUnavailableError(this.#sealedBecause);
    }
    const needed = roots.map(({ uri }) => uri).join(', ');
    throw new VaultUnavailableError(`nothing of the kind unseals the vault: its root is ${needed}`);
  }

  seal(context: SealContext, plain: Uint8Array): SealedKey {
    const keyring = this.#requireKeyring();
    const epoch = keyring.currentEpoch(this.#activatedBy());
    const count = this.sealCounter.add(epoch);
    if (count >= (this.#options.sealsBeforeRotation ?? sealsBeforeRotation)) this.#replaceEpoch(epoch);
    if (count > maxSeals)
      throw new VaultUnavailableError(`epoch ${epoch} has reached its limit of seals; none follows`);
    return keyring.seal(epoch, context, plain);
  }

  /** Epochs that were begun until then are used: POSIX seconds. */
  #activatedBy(): number {
    return this.#now() / 1000 - this.#activationDelay;
  }

  /** Begins a new epoch unless this or another process has done so. */
  #replaceEpoch(epoch: number): void {
    if (this.#now() - this.#rotatedAt < rotationMilliseconds) return;
    this.#rotatedAt = this.#now();
    this.refresh()
      .then(() => (this.#keyring?.newest === epoch ? this.rotate() : undefined))
      .catch(() => {});
  }

  open(context: SealContext, sealed: SealedKey): Uint8Array {
    const keyring = this.#requireKeyring();
    const plain = keyring.open(context, sealed);
    if (plain !== undefined) {
      this.#options.opened?.(context, sealed);
      return plain;
    }
    const epoch = readEpoch(sealed);
    if (epoch !== undefined && this.#mayExistElsewhere(keyring, epoch)) {
      this.refresh().catch(() => {});
      throw new VaultUnavailableError(`epoch ${epoch} is not known here yet`);
    }
    const row = rowOf(context);
    this.#options.forged?.(row);
    throw new SealBrokenError(`the box of ${row.table} ${JSON.stringify(row.id)} does not open`);
  }

  term(group: string, attribute: string, field: string, value: string | number): number {
    return this.#requireKeyring().index.term(group, attribute, field, value);
  }

  key(purpose: KeyPurpose, ...parts: readonly string[]): string {
    return this.#requireKeyring().index.key(purpose, parts);
  }

  element(table: string, id: string, version: number, tag: Uint8Array): bigint {
    return this.#requireKeyring().index.element(table, id, version, tag);
  }

  rotate(): Promise<number> {
    // An epoch that another process has begun serves as well.
    this.#rotating ??= this.#change((keyring, now) => addSealEpoch(keyring, now))
      .then(() => this.#requireKeyring().newest)
      .finally(() => {
        this.#rotating = undefined;
      });
    return this.#rotating;
  }

  async retire(): Promise<readonly number[]> {
    this.#requireKeyring();
    const { epochs } = this.status();
    const { retired, active } = findEpochEnd(epochs, this.#activationDelay, this.#now() / 1000);
    await this.#requireStored(this.#change((keyring) => retireSealEpochs(keyring, active)));
    return retired;
  }

  async endLanes(): Promise<void> {
    this.#access.rememberAlways();
    // In use at once, because no other process is to seal anything meanwhile.
    await this.#requireStored(
      this.#change((keyring, now) => addSealEpoch(keyring, now - this.#activationDelay, { endsLanes: true })),
    );
  }

  async addRoot(source: RootSource): Promise<void> {
    this.#requireKeyring();
    await this.#requireStored(this.#access.addSource(source).finally(() => this.refresh()));
  }

  async removeRoot(id: string): Promise<void> {
    await this.#requireStored(this.#change((keyring) => removeRoot(keyring, id)));
  }

  refresh(): Promise<void> {
    this.#refreshing ??= this.#readKeyring().finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  /** Reads the keyring every so many seconds; while the vault is sealed, also when a root has come. */
  watch(seconds: number): void {
    if (seconds === 0) return;
    this.#timer = setInterval(() => this.refresh().catch(() => {}), seconds * 1000).unref();
    if (this.unsealed) return;
    const endings = this.#options.roots.map((source) =>
      source.watch?.(() => void this.#retry().catch(() => {})),
    );
    this.#endWatching = () => {
      for (const end of endings) end?.();
    };
    // One may have come between the attempt before and the first look.
    this.#retry().catch(() => {});
  }

  /** Reads the keyring once more after a reading at work, which may have begun before a root came. */
  async #retry(): Promise<void> {
    await this.#refreshing?.catch(() => {});
    if (!this.unsealed) await this.refresh();
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    this.#endWatching?.();
    await Promise.allSettled([this.#refreshing, this.#rotating]);
    await this.#access.close();
    this.#keyring?.wipe();
    [this.#keyring, this.#sealedBecause] = [undefined, 'the vault is closed'];
  }

  #requireKeyring(): OpenKeyring {
    if (this.#keyring === undefined)
      throw new VaultUnavailableError(this.#sealedBecause ?? 'the vault is sealed');
    return this.#keyring;
  }

  /** Processes use an epoch long after they have stored it, so a keyring just read knows every one in use. */
  #mayExistElsewhere({ newest }: OpenKeyring, epoch: number): boolean {
    const isCurrent = this.#now() - this.#readAt < currentMilliseconds && this.#refreshing === undefined;
    return !isCurrent && epoch > newest && epoch <= newest + maxEpochsAhead;
  }

  /** Reads the stored keyring; once unsealed, uses the root key only when its generation is another one. */
  async #readKeyring(): Promise<void> {
    if (this.#closed) return;
    const stored = await this.#access.read();
    if (stored !== undefined && stored.generation === this.#keyring?.generation) {
      this.#readAt = this.#now();
      return;
    }
    try {
      this.#use(await this.#access.openOrCreate(stored));
    } catch (error) {
      if (!(error instanceof VaultUnavailableError)) throw error;
      // An unsealed vault stays unsealed: its keys are valid, only the new epoch cannot be unwrapped.
      if (!this.unsealed && !this.#closed) this.#staySealed(error.message);
    }
  }

  #staySealed(reason: string): void {
    if (this.#sealedBecause === reason) return;
    this.#sealedBecause = reason;
    this.#options.sealing?.sealed(reason);
  }

  #use(keyring: Keyring): void {
    const { generation = 0 } = this.#keyring ?? {};
    const opened = new OpenKeyring(keyring);
    if (this.#closed || opened.generation <= generation) {
      opened.wipe();
      return;
    }
    this.#keyring?.wipe();
    const wasSealed = this.#sealedBecause !== undefined;
    [this.#keyring, this.#sealedBecause, this.#readAt] = [opened, undefined, this.#now()];
    this.#endWatching?.();
    if (wasSealed) this.#options.sealing?.unsealed();
  }

  /** Returns false when another process has changed the keyring at the same time. */
  async #change(change: (keyring: Keyring, now: number) => Keyring): Promise<boolean> {
    this.#requireKeyring();
    const isStored = await this.#access.change(change);
    await this.refresh();
    return isStored;
  }

  async #requireStored(storing: Promise<boolean>): Promise<void> {
    if (!(await storing))
      throw new VaultUnavailableError('another process changes the keyring: stop it, and try again');
  }
}
