import type { Secret } from '../common/secret.ts';
import type { RootSource } from './roots/root.ts';
import { VaultUnavailableError } from './vault.ts';
import type { UnsealProgress } from './vault-status.ts';

/** What became of something that an operator has given. */
export interface Given {
  /** The source that has taken it. */
  readonly source: RootSource;
  readonly progress: UnsealProgress;
  /** Whether the root opens by it; what is joined with it may still be missing. */
  readonly isComplete: boolean;
}

/**
 * Gives a share or a passphrase to the first source that takes it.
 * @param waiting those that wait for something
 * @param sources those that are configured
 * @throws {VaultUnavailableError} when none needs something of the kind, or it is wrong.
 */
export function giveToRoots(
  input: Secret,
  { waiting, sources }: { readonly waiting: readonly RootSource[]; readonly sources: readonly RootSource[] },
  isUnsealed: boolean,
): Given {
  if (isUnsealed && waiting.length === 0) throw new VaultUnavailableError('the vault is unsealed already');
  for (const source of waiting) {
    const progress = source.accept?.(input);
    if (progress !== undefined)
      return {
        ...{ source, progress },
        isComplete: progress.given >= progress.needed && source.isReady !== false,
      };
  }
  const needed = (waiting.length > 0 ? waiting : sources).map(({ uri }) => uri).join(', ');
  throw new VaultUnavailableError(`nothing of the kind unseals the vault: its root is ${needed}`);
}
