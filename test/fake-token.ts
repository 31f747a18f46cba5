import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LocalVaultOptions } from '../src/vault/local-vault.ts';
import { createFileRoot } from '../src/vault/roots/file-root.ts';
import type { OpenRoot, RootSource, ValueKey } from '../src/vault/roots/root.ts';
import { ValueTokenUnavailableError } from '../src/vault/value-errors.ts';
import { type ValueMode, VaultUnavailableError } from '../src/vault/vault.ts';

/** A root in a token that is memory of the test: it can be away, be slow, and counts what it is asked. */
export class FakeToken implements RootSource {
  readonly uri: string;
  readonly id = randomBytes(8).toString('hex');
  readonly #key = randomBytes(32);
  isAway = false;
  /** Why the key is not for values. */
  refusal: string | undefined;
  /** Is awaited by each call about values. */
  hold: Promise<unknown> | undefined;
  wraps = 0;
  unwraps = 0;
  atOnce = 0;
  maxAtOnce = 0;

  constructor(name = 'fake') {
    this.uri = `pkcs11:token=${name};object=kmipd`;
  }

  async open(): Promise<OpenRoot> {
    if (this.isAway) throw new VaultUnavailableError('the token is away');
    return {
      id: this.id,
      wrap: async (secret) => this.#wrap(secret),
      unwrap: async (wrapped) => this.#unwrap(wrapped),
      async close() {},
    };
  }

  create(): Promise<OpenRoot> {
    return this.open();
  }

  get values(): ValueKey {
    return {
      id: this.id,
      open: async () => this.#require(),
      wrap: (secret) =>
        this.#call(() => {
          this.wraps += 1;
          return this.#wrap(secret);
        }),
      unwrap: (wrapped) =>
        this.#call(() => {
          this.unwraps += 1;
          return this.#unwrap(wrapped);
        }),
    };
  }

  async #call<T>(work: () => T): Promise<T> {
    this.#require();
    this.atOnce += 1;
    this.maxAtOnce = Math.max(this.maxAtOnce, this.atOnce);
    try {
      await (this.hold ?? sleep(0));
      this.#require();
      return work();
    } finally {
      this.atOnce -= 1;
    }
  }

  #require(): void {
    if (this.refusal !== undefined) throw new VaultUnavailableError(this.refusal);
    if (this.isAway) throw new ValueTokenUnavailableError(undefined, { cause: new Error('it is away') });
  }

  #wrap(secret: Uint8Array): Uint8Array {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv);
    return Uint8Array.from(
      Buffer.concat([Buffer.of(4), iv, cipher.update(secret), cipher.final(), cipher.getAuthTag()]),
    );
  }

  #unwrap(wrapped: Uint8Array): Uint8Array | undefined {
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, wrapped.subarray(1, 13));
      decipher.setAuthTag(wrapped.subarray(-16));
      const plain = [decipher.update(wrapped.subarray(13, -16)), decipher.final()];
      return wrapped[0] === 4 ? Uint8Array.from(Buffer.concat(plain)) : undefined;
    } catch {
      return undefined;
    }
  }
}

/** The root of a vault under test. */
export interface RootChoice {
  /** The root, in direct mode unless `values` says otherwise; a file when left out. */
  readonly token?: FakeToken;
  readonly values?: ValueMode;
}

/** Returns the options of that vault. KMIPD_TEST_VALUES=direct runs tests of the protocol in direct mode. */
export function chooseRoot(
  { token: given, values }: RootChoice,
  directory: string,
): Pick<LocalVaultOptions, 'roots' | 'values'> {
  const token = given ?? (process.env.KMIPD_TEST_VALUES === 'direct' ? new FakeToken() : undefined);
  if (token === undefined) return { roots: [createFileRoot(join(directory, 'root.key'))] };
  return { roots: [token], values: values ?? 'direct' };
}
