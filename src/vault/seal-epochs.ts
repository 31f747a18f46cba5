import { EpochChoice } from './epoch-choice.ts';
import { EpochReplacement } from './epoch-replacement.ts';
import { addSealEpoch, type EpochChange, type Keyring, retireSealEpochs } from './keyring.ts';
import { requireStored } from './keyring-access.ts';
import type { LocalVaultOptions } from './local-vault.ts';
import type { OpenKeyring } from './open-keyring.ts';
import { EpochSealCounter } from './seal-counter.ts';
import { VaultUnavailableError } from './vault.ts';

/** Boxes after which none is sealed in an epoch; random nonces allow 2^32 of them (SP 800-38D §8.3). */
const maxSeals = 2 ** 31;

/** Seconds until a new epoch is used. */
export const defaultActivationSeconds = 120;

/** What the epochs need of their vault. */
interface EpochVault {
  /** @throws {VaultUnavailableError} when it is sealed */
  readonly keyring: OpenKeyring;
  /** Stores a changed keyring and reads it; false when another process has changed it at the same time. */
  change(change: (keyring: Keyring, now: number) => Keyring): Promise<boolean>;
  refresh(): Promise<void>;
}

/** The seal epochs of a vault: which one is in use, and how they begin and end. See `LocalVault`. */
export class SealEpochs {
  readonly counter = new EpochSealCounter();
  readonly #vault: EpochVault;
  readonly #delay: number;
  readonly #choice: EpochChoice;
  readonly #replacement: EpochReplacement;
  #rotating: Promise<number> | undefined;

  constructor(
    vault: EpochVault,
    { activationDelaySeconds = defaultActivationSeconds, sealsBeforeRotation, now }: LocalVaultOptions,
  ) {
    this.#vault = vault;
    this.#delay = activationDelaySeconds;
    this.#choice = new EpochChoice(activationDelaySeconds, now);
    const replace = (epoch: number) => this.#replace(epoch);
    this.#replacement = new EpochReplacement(now ?? Date.now, replace, sealsBeforeRotation);
  }

  /** Notes the epochs of a keyring that was read. */
  learn(epochs: readonly number[]): void {
    this.#choice.learn(epochs);
  }

  /**
   * Notes that a box opens which is sealed under an epoch: older ones are not used any more, so that no row
   * moves back to an older index.
   */
  learnUsed(epoch: number): void {
    this.#choice.learnUsed(epoch);
  }

  /**
   * The epoch in use.
   * @throws {VaultUnavailableError} when the vault is sealed
   */
  get current(): number {
    return this.#choice.choose(this.#vault.keyring);
  }

  /**
   * Returns the epoch for one more box, which is counted.
   * @throws {VaultUnavailableError} when the vault is sealed or the epoch has too many boxes
   */
  take(): number {
    const epoch = this.current;
    const count = this.counter.add(epoch);
    this.#replacement.noteCount(epoch, count);
    if (count > maxSeals)
      throw new VaultUnavailableError(`epoch ${epoch} has reached its limit of seals; none follows`);
    return epoch;
  }

  rotate(): Promise<number> {
    // An epoch that another process has begun serves as well.
    this.#rotating ??= this.#add()
      .then(() => this.#vault.keyring.newest)
      .finally(() => {
        this.#rotating = undefined;
      });
    return this.#rotating;
  }

  async renewSecrets(): Promise<number> {
    await requireStored(this.#add({ renewsHashes: true }));
    return this.#vault.keyring.newest;
  }

  async endLanes(): Promise<void> {
    // In use at once, because no other process is to seal anything meanwhile.
    await requireStored(this.#add({ endsLanes: true, isUsedAtOnce: true }));
  }

  secondsUntilRetirement(epoch: number): number {
    return this.#choice.secondsUntilEnd(this.#vault.keyring, epoch);
  }

  async retire(epoch: number): Promise<readonly number[]> {
    if (this.secondsUntilRetirement(epoch) > 0)
      throw new VaultUnavailableError(`epochs before ${epoch} may still be used: try again in a while`);
    const { epochs } = this.#vault.keyring;
    await requireStored(this.#vault.change((keyring) => retireSealEpochs(keyring, epoch)));
    return epochs.filter((each) => each.epoch < epoch).map((each) => each.epoch);
  }

  /** Resolves when nothing changes any more. */
  async awaitRotation(): Promise<void> {
    await this.#rotating?.catch(() => {});
  }

  #add({
    isUsedAtOnce = false,
    ...change
  }: EpochChange & { readonly isUsedAtOnce?: boolean } = {}): Promise<boolean> {
    return this.#vault.change((keyring, now) =>
      addSealEpoch(keyring, isUsedAtOnce ? now - this.#delay : now, change),
    );
  }

  /** Begins a new epoch unless this or another process has done so. */
  async #replace(epoch: number): Promise<void> {
    await this.#vault.refresh();
    if (this.#vault.keyring.newest === epoch) await this.rotate();
  }
}
