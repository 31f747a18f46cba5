import { directBinding, makeDataSecret, readDirectBox, type WrappedDataSecret } from './direct-box.ts';
import { brokenSeal, rowOf } from './forged-row.ts';
import type { OpenKeyring } from './open-keyring.ts';
import type { RootSource, ValueKey } from './roots/root.ts';
import { ValueRootMissingError, ValueTokenUnavailableError } from './value-errors.ts';
import {
  type DirectValues,
  type ForgedRow,
  type SealedKey,
  type ValueContext,
  type ValueMode,
  VaultUnavailableError,
} from './vault.ts';

/** What values in direct mode need of a vault. */
export interface DirectVault {
  /** @throws {VaultUnavailableError} when the vault is sealed. */
  requireKeyring(): OpenKeyring;
  /** Counts a box, and returns the epoch to seal it under. */
  takeEpoch(): number;
  /** The epoch in use. @throws {VaultUnavailableError} when the vault is sealed. */
  currentEpoch(): number;
  sources(): readonly RootSource[];
  /** Ids of the live roots, the oldest first; none while the vault is sealed. */
  roots(): readonly string[];
  /** Ids of those that this process has at hand. */
  rootsAtHand(): readonly string[];
}

/** See `LocalVaultOptions`. */
export interface ValueOptions {
  readonly values?: ValueMode;
  readonly forged?: (row: ForgedRow) => void;
}

/** See `DirectValues`. The data keys of new values are wrapped by the newest root that is at hand. */
export class TokenValues implements DirectValues {
  mode: ValueMode;
  readonly #vault: DirectVault;
  readonly #options: ValueOptions;

  constructor(vault: DirectVault, options: ValueOptions) {
    this.#vault = vault;
    this.#options = options;
    this.mode = options.values ?? 'envelope';
  }

  get root(): string | undefined {
    return this.#vault.roots().at(-1);
  }

  /**
   * Id of the newest live root that is at hand, for new values: another node may have begun to move the
   * database, and ends no root before this one has the next.
   */
  get #sealingRoot(): string | undefined {
    const atHand = this.#vault.rootsAtHand();
    return this.#vault.roots().findLast((id) => atHand.includes(id)) ?? this.root;
  }

  bindingOf(sealed: SealedKey): Uint8Array {
    return directBinding(sealed);
  }

  isCurrent(sealed: SealedKey): boolean {
    const box = readDirectBox(sealed);
    return box !== undefined && this.#isCurrent(box);
  }

  #isCurrent({ epoch, root }: { readonly epoch: number; readonly root: string }): boolean {
    return [this.root, this.#sealingRoot].includes(root) && epoch === this.#vault.currentEpoch();
  }

  /** Goes by the epoch and the root that are current once the token has answered: others may end. */
  async seal(context: ValueContext, plain: Uint8Array): Promise<SealedKey> {
    for (;;) {
      const { storeId } = this.#vault.requireKeyring();
      const epoch = this.#vault.takeEpoch();
      const secret = makeDataSecret(storeId, epoch);
      try {
        const wrapped = await this.#wrap(secret);
        const keyring = this.#vault.requireKeyring();
        if (this.#isCurrent({ epoch, root: wrapped.root }))
          return keyring.sealDirect(epoch, secret, wrapped, context, plain);
      } finally {
        secret.fill(0);
      }
    }
  }

  async #wrap(secret: Uint8Array): Promise<WrappedDataSecret> {
    const root = this.#sealingRoot ?? '';
    const key = await this.#findKey(root);
    if (key === undefined) throw new VaultUnavailableError(missing(root));
    return { root, wrapped: await key.wrap(secret) };
  }

  async open(context: ValueContext, sealed: SealedKey): Promise<Uint8Array> {
    const box = readDirectBox(sealed);
    if (box === undefined) throw this.#forged(context);
    const wasKnown = this.#vault.requireKeyring().knows(box.epoch);
    const key = await this.#findKey(box.root);
    if (key === undefined) throw new ValueRootMissingError(missing(box.root));
    const secret = await key.unwrap(box.wrapped);
    try {
      const keyring = this.#vault.requireKeyring();
      const plain = secret && keyring.openDirect(secret, context, sealed);
      if (plain !== undefined) return plain;
      // It is retired when every row is sealed anew, this one too.
      if (wasKnown && !keyring.knows(box.epoch))
        throw new ValueTokenUnavailableError('the value was sealed anew meanwhile: try again');
    } finally {
      secret?.fill(0);
    }
    // The box of the attributes has opened, and its epoch is not older: this one is known.
    throw this.#forged(context);
  }

  /**
   * Why the root of new values cannot wrap data keys, one line; undefined when it can, or that is not
   * known because its token is away or the vault is sealed.
   */
  async problem(): Promise<string | undefined> {
    try {
      const root = this.#sealingRoot;
      if (root === undefined) return undefined;
      return (await this.#findKey(root)) === undefined ? missing(root) : undefined;
    } catch (error) {
      if (error instanceof ValueTokenUnavailableError) return undefined;
      return (error as Error).message;
    }
  }

  /**
   * Checks that a root which is to become the newest can wrap data keys; nothing in envelope mode.
   * @throws {VaultUnavailableError} when it cannot, one line.
   * @throws {ValueTokenUnavailableError} when that is not known because its token is away.
   */
  async requireSource({ uri, values }: RootSource): Promise<void> {
    if (this.mode === 'envelope') return;
    if (values === undefined)
      throw new VaultUnavailableError(
        `values = "direct" needs a root that is a key in a token: ${uri} is none`,
      );
    await values.open();
  }

  /** Returns the root of that id, of which a source wraps values; undefined where there is none. */
  async #findKey(root: string | undefined): Promise<ValueKey | undefined> {
    const keys = this.#vault.sources().flatMap(({ values }) => values ?? []);
    const known = keys.find(({ id }) => id !== undefined && id === root);
    if (known !== undefined) return known;
    let away: unknown;
    for (const key of keys) {
      try {
        if (key.id === undefined) await key.open();
        if (key.id !== undefined && key.id === root) return key;
      } catch (error) {
        away ??= error;
      }
    }
    if (away !== undefined) throw away;
    return undefined;
  }

  #forged(context: ValueContext): Error {
    this.#options.forged?.(rowOf(context));
    return brokenSeal(context);
  }
}

const missing = (root: string | undefined): string =>
  `no root of [vault] root is a key in a token with the id ${root}, which wraps values: configure it`;
