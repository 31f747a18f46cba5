import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { isatty } from 'node:tty';
import { giveToOwner, writeFileAtomically } from '../../common/durable-file.ts';
import { readTextFile } from '../../common/regular-file.ts';
import { rootFilesOf } from '../../common/root-uri.ts';
import { Secret } from '../../common/secret.ts';
import { probeStore } from '../../store/probe.ts';
import { wipeKeyring } from '../../vault/keyring.ts';
import { decodeKeyring, readStoreId } from '../../vault/keyring-format.ts';
import { writeRootKey } from '../../vault/root-key.ts';
import { ByteRoot } from '../../vault/roots/byte-root.ts';
import { exportRoot, openExportedRoot, parseExportedRoot } from '../../vault/roots/exported-root.ts';
import { requirePassphrase } from '../../vault/roots/passphrase-root.ts';
import type { StoredKeyring } from '../../vault/vault.ts';
import { CommandError } from '../failure.ts';
import { readNewSecretInput, readSecretInput } from '../password-input.ts';
import { attendanceAtTerminal } from '../state-directory/root-attendance.ts';
import { openRootSource } from '../state-directory/root-sources.ts';
import { requireInitialised, type StateDirectory } from '../state-directory/state-directory.ts';

/** Copies of roots for a safe. */

const standardInput = 0;

interface RootCopyOptions {
  /** URL of the database. */
  readonly store: string;
  /** The file of the copy. */
  readonly file: string;
  readonly passphraseFile: string | undefined;
}

/**
 * Writes an encrypted copy of the root that a home uses; returns the URI of that.
 * @throws {CommandError} when its bytes cannot be had, or it does not open the database.
 */
export async function writeRootCopy(
  stateDirectory: StateDirectory,
  { store, file, passphraseFile }: RootCopyOptions,
): Promise<string> {
  const { vault } = requireInitialised(stateDirectory);
  const { stored, storeId } = await readKeyring(store);
  requireAbsent(file);
  for (const uri of vault.root) {
    const source = openRootSource(stateDirectory, uri, attendanceAtTerminal());
    if (source.readBytes === undefined) continue;
    using bytes = await source.readBytes();
    const root = await findOpeningId(bytes, stored, storeId);
    if (root === undefined) throw new CommandError(`the root ${source.uri} does not open the database`);
    using passphrase = await readPassphrase(true, passphraseFile);
    const text = await exportRoot(bytes, { store: storeId.toHex(), root }, passphrase);
    writeFileAtomically(resolve(file), text, 0o600);
    return source.uri;
  }
  throw new CommandError(
    'the bytes of the root cannot be had: the key of a token never leaves it, shares are copies already, and roots that are joined are kept each by its own means',
  );
}

/**
 * Puts a root from its copy in the place of a root key in a file; returns the path of that.
 * @param to path; left out: that of the configuration
 * @throws {CommandError} when the file is there, or the copy is of another database, or of a former root.
 */
export async function restoreRoot(
  stateDirectory: StateDirectory,
  { store, file, passphraseFile }: RootCopyOptions,
  to: string | undefined,
): Promise<string> {
  const { vault } = requireInitialised(stateDirectory);
  const exported = parseExportedRoot(readTextFile(file, 'rootSettings'));
  if (typeof exported === 'string') throw new CommandError(`${file} ${exported}`);
  const paths = rootFilesOf(vault.root);
  const target = to === undefined ? paths.find((path) => !existsSync(path)) : resolve(to);
  if (target === undefined)
    throw new CommandError(
      paths.length > 0
        ? `${paths.join(' and ')} ${paths.length > 1 ? 'are' : 'is'} there: nothing was changed`
        : '[vault] root names no file: say where the root goes, --to PATH, and set root = "file:PATH"',
    );
  requireAbsent(target);
  const { stored, storeId } = await readKeyring(store);
  if (exported.store !== storeId.toHex())
    throw new CommandError(`${file} has the root of another database: nothing was changed`);
  using passphrase = await readPassphrase(false, passphraseFile);
  using bytes = await openExportedRoot(exported, passphrase);
  if ((await findOpeningId(bytes, stored, storeId)) === undefined)
    throw new CommandError(`${file} has a root that the database has left: nothing was changed`);
  writeRootKey(target, bytes.bytes);
  giveToOwner(target, stateDirectory.directory);
  return target;
}

async function readKeyring(
  url: string,
): Promise<{ readonly stored: StoredKeyring; readonly storeId: Uint8Array }> {
  const { keyring: stored } = await probeStore(url, { mustExist: true });
  const storeId = stored && readStoreId(stored);
  if (stored === undefined || storeId === undefined) throw new CommandError('the database has no keyring');
  return { stored, storeId };
}

/** Returns the id of the root when it opens the keyring. */
async function findOpeningId(
  bytes: Secret,
  stored: StoredKeyring,
  storeId: Uint8Array,
): Promise<string | undefined> {
  const root = new ByteRoot(Secret.copyOf(bytes.bytes), storeId);
  try {
    const keyring = await decodeKeyring(stored, [{ uri: '', root }]);
    if (typeof keyring === 'string') return undefined;
    wipeKeyring(keyring);
    return root.id;
  } finally {
    await root.close();
  }
}

function requireAbsent(file: string): void {
  if (existsSync(file)) throw new CommandError(`${file} is there: nothing was changed`);
}

async function readPassphrase(isNew: boolean, file: string | undefined): Promise<Secret> {
  const what = 'passphrase of the copy';
  const isTyped = file === undefined && isatty(standardInput);
  using input = await (isNew && isTyped ? readNewSecretInput(what) : readSecretInput(what, file));
  return requirePassphrase(input, file ?? 'the input', isNew);
}
