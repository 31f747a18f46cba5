import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { LocalVaultOptions } from '../../../src/vault/local-vault.ts';

/** Where and what the vaults of tests seal. */
export const context = { kind: 'value', id: '0b1c', group: 'g', objectType: 'SymmetricKey' } as const;
export const plain = Uint8Array.from({ length: 32 }, (_, at) => at + 1);

/** Without timers, and with new epochs in use at once. */
export const quick = { refreshSeconds: 0, activationDelaySeconds: 0 } satisfies Partial<LocalVaultOptions>;

/** Creates a directory that ends with the test; `freshFile` returns paths of root keys that do not exist. */
export function createRootKeyDirectory(t: Pick<Test, 'teardown'>) {
  const directory = mkdtempSync(join(tmpdir(), 'kmipd-vault-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  let files = 0;
  const freshFile = () => {
    files += 1;
    return join(directory, `root-${files}.key`);
  };
  return { directory, freshFile };
}
