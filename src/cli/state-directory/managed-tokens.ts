import type { ManagedTokens } from '../../management/api.ts';
import type { TokenKeyPool } from '../../token/keys/key-pool.ts';
import { CommandError } from '../failure.ts';

/** Returns the tokens of roots with that of keys, as operators see them. */
export function combineTokens(roots: ManagedTokens, keys: TokenKeyPool | undefined): ManagedTokens {
  if (keys === undefined) return roots;
  const list = () => [...roots.list(), keys.status];
  return {
    list,
    async logIn() {
      const hasRoots = roots.list().length > 0;
      const results = await Promise.allSettled([hasRoots ? roots.logIn() : undefined, keys.logIn()]);
      for (const result of results)
        if (result.status === 'rejected') throw new CommandError((result.reason as Error).message);
    },
  };
}
