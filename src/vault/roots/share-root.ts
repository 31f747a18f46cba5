import { hash, randomFillSync, timingSafeEqual } from 'node:crypto';
import { concatBytes } from '../../common/bytes.ts';
import { allocateSecretBytes, Secret } from '../../common/secret.ts';
import { VaultUnavailableError } from '../vault.ts';
import type { UnsealProgress } from '../vault-status.ts';
import { ByteRoot, rootBytes } from './byte-root.ts';
import type { OpenRoot, RootSource } from './root.ts';
import { readRootSettings, type ShareSettings, writeRootSettings } from './root-settings.ts';
import { decodeShare, encodeShare, isShareText, type RootShare } from './share-text.ts';

/** Shamir's secret sharing over GF(2^8), which stands with the cryptography. */
export interface RootSharing {
  /** Returns the shares in the order of their index, from 1. */
  split(secret: Uint8Array, threshold: number, parts: number): Promise<readonly Uint8Array[]>;
  /** Returns the secret of `threshold` shares. */
  join(
    shares: readonly { readonly identifier: number; readonly bytes: Uint8Array }[],
    threshold: number,
    parts: number,
  ): Uint8Array;
}

export interface ShareRootOptions {
  readonly threshold: number;
  readonly parts: number;
  readonly settingsFile: string;
  readonly sharing: RootSharing;
  /** Shows the lines of new shares once; absent where no custodian is. It does not wipe them. */
  readonly deliver?: ((lines: readonly Secret[]) => Promise<void>) | undefined;
  /** Is told when shares were wiped because the others did not come. */
  readonly expired?: (() => void) | undefined;
  /** How long shares wait for the others; only tests wait less. */
  readonly waitMilliseconds?: number;
}

/** From the first share on. */
export const unsealMilliseconds = 600_000;

/**
 * Source of a root that custodians have in shares. Each gives his own, alone; a wrong one is named by its
 * commitment in the home, and when the last that is needed comes, the root opens and all of them are wiped.
 */
export class ShareRoot implements RootSource {
  readonly isAttended = true;
  readonly #options: ShareRootOptions;
  readonly #shares = new Map<number, Secret>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ShareRootOptions) {
    this.#options = options;
  }

  get uri(): string {
    return `shares:${this.#options.threshold}/${this.#options.parts}`;
  }

  get isReady(): boolean {
    return this.#shares.size >= this.#options.threshold;
  }

  async open(storeId: Uint8Array): Promise<OpenRoot> {
    const { threshold, parts, sharing } = this.#options;
    if (!this.isReady)
      throw new VaultUnavailableError(
        `${this.#shares.size} of the ${threshold} shares of its root are there: each custodian runs kmipd vault unseal`,
      );
    const shares = Array.from(this.#shares, ([identifier, { bytes }]) => ({ identifier, bytes }));
    try {
      const joined = sharing.join(shares, threshold, parts);
      const root = Secret.copyOf(joined);
      joined.fill(0);
      return new ByteRoot(root, storeId);
    } finally {
      await this.close();
    }
  }

  /** Makes a root and its shares, which nobody sees twice. */
  async create(storeId: Uint8Array): Promise<OpenRoot> {
    const { threshold, parts, sharing, deliver } = this.#options;
    if (this.isReady) return this.open(storeId);
    if (deliver === undefined)
      throw new VaultUnavailableError(`the shares of a new root are made by: kmipd init --root ${this.uri}`);
    const root = new Secret(randomFillSync(allocateSecretBytes(rootBytes)));
    const set = randomFillSync(new Uint8Array(4)).toHex();
    const secrets = [root];
    try {
      const values = (await sharing.split(root.bytes, threshold, parts)).map((bytes) => new Secret(bytes));
      secrets.push(...values);
      const shares = values.map((value, at) => ({ set, index: at + 1, threshold, parts, value }));
      const lines = shares.map(encodeShare);
      secrets.push(...lines);
      const commitments = shares.map((share) => commit(share, randomFillSync(new Uint8Array(16))));
      writeRootSettings(this.#options.settingsFile, { shares: { set, threshold, commitments } });
      await deliver(lines);
      return new ByteRoot(root, storeId);
    } finally {
      for (const secret of secrets) secret.wipe();
    }
  }

  accept(input: Secret): UnsealProgress | undefined {
    if (!isShareText(input)) return undefined;
    const { settingsFile, threshold } = this.#options;
    const share = decodeShare(input);
    if (typeof share === 'string') throw new VaultUnavailableError(share);
    const problem = findProblem(share, readRootSettings(settingsFile).shares, this.#options);
    if (problem !== undefined) {
      share.value.wipe();
      throw new VaultUnavailableError(problem);
    }
    this.#shares.get(share.index)?.wipe();
    this.#shares.set(share.index, share.value);
    this.#timer ??= setTimeout(() => this.#expire(), this.#options.waitMilliseconds ?? unsealMilliseconds);
    this.#timer.unref();
    return { given: this.#shares.size, needed: threshold };
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const share of this.#shares.values()) share.wipe();
    this.#shares.clear();
  }

  #expire(): void {
    void this.close();
    this.#options.expired?.();
  }
}

/** Returns why a share is not taken, naming it; undefined for a right one. */
function findProblem(
  share: RootShare,
  settings: ShareSettings | undefined,
  { threshold, parts, settingsFile }: ShareRootOptions,
): string | undefined {
  if (settings === undefined)
    return `${settingsFile} is missing, or knows no shares: restore it from its backup`;
  if (settings.threshold !== threshold || settings.commitments.length !== parts)
    return `the shares of this home are ${settings.threshold}/${settings.commitments.length}, and [vault] root says ${threshold}/${parts}`;
  if (share.set !== settings.set)
    return `share ${share.index} is of another ceremony (${share.set}); this home has ${settings.set}`;
  const commitment = settings.commitments[share.index - 1];
  if (commitment === undefined) return `there is no share ${share.index} of ${parts}`;
  const { hash: own } = commit(share, Uint8Array.fromHex(commitment.salt));
  const isRight = timingSafeEqual(Uint8Array.fromHex(own), Uint8Array.fromHex(commitment.hash));
  return isRight ? undefined : `share ${share.index} is wrong: it is not the one that was given out`;
}

/** Commits to a share of 32 random bytes: its hash tells nothing about it. */
function commit(
  { set, index, value }: Pick<RootShare, 'set' | 'index' | 'value'>,
  salt: Uint8Array,
): ShareSettings['commitments'][number] {
  const message = concatBytes([
    new TextEncoder().encode(`kmipd/2 share ${set} ${index} `),
    salt,
    value.bytes,
  ]);
  try {
    return { salt: salt.toHex(), hash: hash('sha256', message, 'hex') };
  } finally {
    message.fill(0);
  }
}
