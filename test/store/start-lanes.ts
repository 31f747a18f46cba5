import { randomBytes } from 'node:crypto';
import type { Database } from '../../src/store/open.ts';
import type { Vault } from '../../src/vault/vault.ts';
import { HashingVault } from './hashing-vault.ts';

/** Lets a test write to a database, as a process of its own without an anchor; a rollback is an error. */
export async function startLanes(
  { lanes, keyrings }: Pick<Database, 'lanes' | 'keyrings'>,
  vault: Vault = new HashingVault(),
): Promise<void> {
  const fail = (why: string) => {
    throw new Error(why);
  };
  await lanes.start({
    ...{ vault, keyrings, name: randomBytes(6).toString('hex') },
    anchors: { read: async () => [], write: async () => {} },
    observer: { rolledBack: fail, displaced: fail, anchored() {} },
  });
}
