import { randomFillSync } from 'node:crypto';
import { Secret } from '../../common/secret.ts';
import { decryptGcm, encryptGcm } from '../aead.ts';
import { VaultUnavailableError } from '../vault.ts';
import { rootBytes } from './byte-root.ts';
import { stretch } from './passphrase-root.ts';
import { isPassphraseSettings, type PassphraseSettings, passphraseCost } from './root-settings.ts';

/**
 * A copy of a root for a safe: one line of JSON,
 *
 *     { format: 'kmipd root', version: 1, store, root,
 *       argon2id: { salt, memory, passes, parallelism }, sealed }
 *
 * `sealed` is AES-256-GCM in Base64, nonce | ciphertext | tag, under a key that argon2id makes of a
 * passphrase; the other fields are its additional data. Each file has a salt of its own.
 */
export interface ExportedRoot {
  /** Id of the store that the root belongs to: 32 hexadecimal digits. */
  readonly store: string;
  /** As `OpenRoot.id`. */
  readonly root: string;
  readonly argon2id: PassphraseSettings;
  /** The file as it is: what the tag covers but for itself. */
  readonly sealed: Uint8Array;
}

const [format, version] = ['kmipd root', 1];
const nonceBytes = 12;
const noHeader = new Uint8Array();

/** Encrypts the bytes of a root under a passphrase; wipes neither. Returns the text of the file. */
export async function exportRoot(
  bytes: Secret,
  { store, root }: Pick<ExportedRoot, 'store' | 'root'>,
  passphrase: Secret,
): Promise<string> {
  const argon2id = { salt: randomFillSync(new Uint8Array(16)).toHex(), ...passphraseCost };
  const head = { format, version, store, root, argon2id };
  using key = await stretch(passphrase, argon2id);
  const nonce = randomFillSync(new Uint8Array(nonceBytes));
  const sealed = encryptGcm(key.bytes, noHeader, nonce, aadOf(head), bytes.bytes);
  return `${JSON.stringify({ ...head, sealed: sealed.toBase64() })}\n`;
}

/** Reads the text of a file; what is wrong with it is a text that follows its name. */
export function parseExportedRoot(text: string): ExportedRoot | string {
  let json: Record<string, unknown>;
  try {
    json = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return 'is not an exported root';
  }
  const { store, root, argon2id, sealed } = json ?? {};
  if (json?.format !== format) return 'is not an exported root';
  if (json.version !== version)
    return `is of version ${String(json.version)}, and this kmipd reads ${version}`;
  const isHex = (value: unknown, digits: number): value is string =>
    typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/.test(value);
  if (
    isHex(store, 32) &&
    isHex(root, 16) &&
    isPassphraseSettings(argon2id) &&
    typeof sealed === 'string' &&
    /^[A-Za-z0-9+/]{80}$/.test(sealed)
  )
    return { store, root, argon2id, sealed: Uint8Array.fromBase64(sealed) };
  return 'is a damaged copy of a root';
}

/**
 * Decrypts an exported root.
 * @throws {VaultUnavailableError} when the passphrase is another one, or the file was changed.
 */
export async function openExportedRoot(exported: ExportedRoot, passphrase: Secret): Promise<Secret> {
  const { store, root, argon2id, sealed } = exported;
  using key = await stretch(passphrase, argon2id);
  const head = { format, version, store, root, argon2id };
  const bytes = decryptGcm(key.bytes, 0, aadOf(head), sealed);
  if (bytes === undefined)
    throw new VaultUnavailableError('the passphrase is wrong, or the copy of the root was altered');
  if (bytes.length !== rootBytes) throw new VaultUnavailableError('the copy of the root is damaged');
  return new Secret(bytes);
}

function aadOf({ argon2id: { salt, memory, passes, parallelism }, ...head }: Omit<ExportedRoot, 'sealed'>) {
  const fields = { ...head, argon2id: { salt, memory, passes, parallelism } };
  return new TextEncoder().encode(JSON.stringify(fields));
}
