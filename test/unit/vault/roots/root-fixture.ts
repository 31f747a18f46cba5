import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { parseRootUri } from '../../../../src/common/root-uri.ts';
import { Secret } from '../../../../src/common/secret.ts';
import { joinShares, splitSecret } from '../../../../src/crypto/secret-sharing/split-key.ts';
import { openLocalVault } from '../../../../src/vault/local.ts';
import type { LocalVaultOptions } from '../../../../src/vault/local-vault.ts';
import { createRootSource, type RootContext } from '../../../../src/vault/roots/create-source.ts';
import { memoryKeyrings } from '../memory-keyrings.ts';
import { quick } from '../vault-fixture.ts';

const scheme = { method: 'PolynomialSharingGF2_8', polynomial: 283 } as const;

export const secretOf = (text: string): Secret => new Secret(new TextEncoder().encode(text));

/** The cheapest settings of a passphrase that are accepted. */
export const cheapPassphrase = { salt: '00'.repeat(16), memory: 65_536, passes: 3, parallelism: 1 };

/** A directory for the files of roots, and vaults whose roots are there; they end with the test. */
export class RootFixture {
  readonly directory = mkdtempSync(join(tmpdir(), 'kmipd-roots-'));
  readonly keyrings = memoryKeyrings();
  readonly settingsFile = join(this.directory, 'root-settings.json');
  /** The lines of shares that were given out. */
  readonly shares: string[] = [];
  readonly context: RootContext = {
    settingsFile: this.settingsFile,
    credentialsDirectory: this.directory,
    sharing: {
      split: async (secret, threshold, parts) =>
        (await splitSecret(secret, { ...scheme, threshold, parts })).shares,
      join: (shares, threshold, parts) => joinShares(shares, { ...scheme, threshold, parts }, undefined),
    },
    openers: {},
    deliverShares: async (lines) => {
      for (const { bytes } of lines) this.shares.push(new TextDecoder().decode(bytes));
    },
  };
  readonly #t: Pick<Test, 'teardown'>;

  constructor(t: Pick<Test, 'teardown'>) {
    this.#t = t;
    t.teardown(() => rmSync(this.directory, { recursive: true, force: true }));
  }

  path(name: string): string {
    return join(this.directory, name);
  }

  write(name: string, content: string | Uint8Array, mode = 0o600): string {
    writeFileSync(this.path(name), content, { mode });
    return this.path(name);
  }

  /** The settings as they are in their file. */
  get settings() {
    return JSON.parse(readFileSync(this.settingsFile, 'utf8'));
  }

  source(uri: string, context: Partial<RootContext> = {}) {
    const parsed = parseRootUri(uri, this.directory);
    if (typeof parsed === 'string') throw new Error(parsed);
    return createRootSource(parsed, { ...this.context, ...context });
  }

  /** Opens a vault on the one keyring of the fixture. */
  async open(uri: string, context: Partial<RootContext> = {}, options: Partial<LocalVaultOptions> = {}) {
    const { keyrings } = this;
    const roots = [this.source(uri, context)];
    const vault = await openLocalVault({ roots, keyrings, ...quick, ...options });
    this.#t.teardown(() => vault.close());
    return vault;
  }
}
