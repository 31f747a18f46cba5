import { argon2, randomFillSync } from 'node:crypto';
import { promisify } from 'node:util';
import { Secret } from '../../common/secret.ts';
import { trimSpace } from '../secret-text.ts';
import { VaultUnavailableError } from '../vault.ts';
import type { UnsealProgress } from '../vault-status.ts';
import { ByteRoot, rootBytes } from './byte-root.ts';
import { type OpenRoot, type RootIntent, RootMissingError, type RootSource } from './root.ts';
import {
  type PassphraseSettings,
  passphraseCost,
  readRootSettings,
  writeRootSettings,
} from './root-settings.ts';
import { readSecretFile } from './secret-file.ts';
import { unsealMilliseconds } from './share-root.ts';
import { isShareText } from './share-text.ts';
import { watchFiles } from './watch-files.ts';

/** Bytes of a new passphrase: whoever has the home and the database can try others without end. */
const minPassphraseBytes = 16;
const maxPassphraseBytes = 1_024;
const form = `one line of at most ${maxPassphraseBytes} bytes`;
const maxAttempts = 3;

/** Where a passphrase comes from without an operator. */
export interface PassphraseFile {
  /** @throws {VaultUnavailableError} when it cannot be. */
  readonly path: () => string;
  /** Whether somebody else sets its mode. */
  readonly mayBeShared: boolean;
}

/** Asks an operator for a passphrase, twice for a new one. */
export type AskPassphrase = (isNew: boolean) => Promise<Secret>;

/** Creates the source of a root that argon2id makes of a passphrase in a file. */
export function createPassphraseFileRoot(
  uri: string,
  settingsFile: string,
  { path, mayBeShared }: PassphraseFile,
): RootSource {
  const read = (): Secret => {
    const file = path();
    using text = readSecretFile(file, {
      ...{ what: 'the passphrase', maxBytes: maxPassphraseBytes + 2, form, mayBeShared },
    });
    if (text !== undefined) return requirePassphrase(text, file, false);
    throw new RootMissingError(`the passphrase ${file} is missing: restore it, or give another root`);
  };
  return {
    uri,
    open: (storeId) => deriveRoot(read(), settingsFile, storeId, 'use'),
    create: (storeId) => deriveRoot(read(), settingsFile, storeId, 'create'),
    readBytes: () => deriveBytes(read(), settingsFile, 'use'),
    watch: (arrived) => {
      try {
        return watchFiles([path()], arrived);
      } catch {
        return () => {};
      }
    },
  };
}

/**
 * Source of a root that argon2id makes of a passphrase which an operator types, on the terminal where there
 * is one or by `kmipd vault unseal`.
 */
export class TypedPassphraseRoot implements RootSource {
  readonly uri = 'passphrase:';
  readonly isAttended = true;
  readonly #settingsFile: string;
  readonly #ask: AskPassphrase | undefined;
  #given: Secret | undefined;
  #timer: NodeJS.Timeout | undefined;
  #attempts = 0;

  constructor(settingsFile: string, ask: AskPassphrase | undefined) {
    this.#settingsFile = settingsFile;
    this.#ask = ask;
  }

  get mayAskAgain(): boolean {
    return this.#ask !== undefined && this.#attempts > 0 && this.#attempts < maxAttempts;
  }

  get isReady(): boolean {
    return this.#given !== undefined || (this.#ask !== undefined && this.#attempts < maxAttempts);
  }

  async open(storeId: Uint8Array): Promise<OpenRoot> {
    return deriveRoot(await this.#take(false), this.#settingsFile, storeId, 'use');
  }

  async create(storeId: Uint8Array): Promise<OpenRoot> {
    return deriveRoot(await this.#take(true), this.#settingsFile, storeId, 'create');
  }

  async readBytes(): Promise<Secret> {
    return deriveBytes(await this.#take(false), this.#settingsFile, 'use');
  }

  accept(input: Secret): UnsealProgress | undefined {
    if (isShareText(input)) return undefined;
    const line = requirePassphrase(input, 'the input', false);
    void this.close();
    this.#given = line;
    // It may wait for another root that is joined with this one.
    this.#timer = setTimeout(() => this.close(), unsealMilliseconds).unref();
    return { given: 1, needed: 1 };
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#given?.wipe();
    this.#given = undefined;
  }

  async #take(isNew: boolean): Promise<Secret> {
    const given = this.#given;
    this.#given = undefined;
    clearTimeout(this.#timer);
    if (given !== undefined) return given;
    if (this.#ask === undefined || this.#attempts >= maxAttempts)
      throw new VaultUnavailableError('its passphrase has not been given: kmipd vault unseal');
    this.#attempts += 1;
    return this.#ask(isNew);
  }
}

/**
 * Returns the one line of a text, without the white space around it.
 * @param where its source, for messages
 * @param isNew whether it must be long enough for a new passphrase
 * @throws {VaultUnavailableError} when it has no line, several, or one that is too long or too short.
 */
export function requirePassphrase(text: Secret, where: string, isNew: boolean): Secret {
  const line = trimSpace(text.bytes);
  if (line.length === 0 || line.length > maxPassphraseBytes || line.includes(0x0a))
    throw new VaultUnavailableError(`${where} does not hold a passphrase, ${form}`);
  if (isNew) requireNewLength(line);
  return Secret.copyOf(line);
}

function requireNewLength({ length }: { readonly length: number }): void {
  if (length < minPassphraseBytes)
    throw new VaultUnavailableError(
      `the passphrase has ${length} bytes, and at least ${minPassphraseBytes} are needed: some five words by chance`,
    );
}

async function deriveRoot(
  passphrase: Secret,
  settingsFile: string,
  storeId: Uint8Array,
  intent: RootIntent,
): Promise<OpenRoot> {
  return new ByteRoot(await deriveBytes(passphrase, settingsFile, intent), storeId);
}

/** Derives the bytes of the root and wipes the passphrase. */
async function deriveBytes(passphrase: Secret, settingsFile: string, intent: RootIntent): Promise<Secret> {
  try {
    if (intent === 'create') requireNewLength(passphrase);
    const settings = readRootSettings(settingsFile).passphrase ?? createSettings(intent, settingsFile);
    return await stretch(passphrase, settings);
  } finally {
    passphrase.wipe();
  }
}

function createSettings(intent: RootIntent, settingsFile: string): PassphraseSettings {
  if (intent === 'use')
    throw new VaultUnavailableError(
      `${settingsFile} is missing, or has no salt, without which the passphrase opens nothing: restore it from its backup`,
    );
  const passphrase = { salt: randomFillSync(new Uint8Array(16)).toHex(), ...passphraseCost };
  writeRootSettings(settingsFile, { passphrase });
  return passphrase;
}

/** Makes 32 bytes of a passphrase by argon2id (RFC 9106), on the threads of libuv. */
export async function stretch(
  passphrase: Secret,
  { salt, memory, passes, parallelism }: PassphraseSettings,
): Promise<Secret> {
  try {
    const bytes = await promisify(argon2)('argon2id', {
      message: passphrase.bytes,
      nonce: Uint8Array.fromHex(salt),
      tagLength: rootBytes,
      ...{ memory, passes, parallelism },
    });
    const root = Secret.copyOf(bytes);
    bytes.fill(0);
    return root;
  } catch (error) {
    // OpenSSL's FIPS provider has no argon2.
    throw new VaultUnavailableError(
      `argon2id fails: ${(error as Error).message}; another root works with --fips`,
    );
  }
}
