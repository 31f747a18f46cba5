import { dirname } from 'node:path';
import { giveToOwner, writeFileAtomically } from '../../common/durable-file.ts';
import { readTextFile } from '../../common/regular-file.ts';
import { VaultUnavailableError } from '../vault.ts';

/**
 * What a home keeps of its root beside the root itself: nothing secret, but without it a passphrase or shares
 * open nothing. It is never in the database, so that whoever has a copy of that cannot try passphrases.
 */
export interface RootSettings {
  readonly passphrase?: PassphraseSettings;
  readonly shares?: ShareSettings;
}

/** How argon2id (RFC 9106) makes a root of a passphrase. */
export interface PassphraseSettings {
  /** 16 bytes in hexadecimal. */
  readonly salt: string;
  /** KiB. */
  readonly memory: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** By what the shares of a root are recognised. */
export interface ShareSettings {
  /** 8 hexadecimal digits; those of another ceremony are refused. */
  readonly set: string;
  readonly threshold: number;
  /** For each share in its order: salt (16 bytes) and hash (32 bytes) in hexadecimal. */
  readonly commitments: readonly { readonly salt: string; readonly hash: string }[];
}

/** Of new passphrases: about a second of one start, and of each try. */
export const passphraseCost = { memory: 131_072, passes: 4, parallelism: 4 } as const;

/**
 * What a file may state: with less than the second recommendation of RFC 9106 §4 (64 MiB, three passes)
 * whoever can edit the file has a passphrase made with next to no cost, with more he stops the start.
 */
const bounds = {
  memory: { min: 65_536, max: 1_048_576 },
  passes: { min: 3, max: 16 },
  parallelism: { min: 1, max: 16 },
} as const;

/**
 * Reads the settings; they are empty where the file is missing.
 * @throws {VaultUnavailableError} when the file cannot be read, or states something impossible.
 */
export function readRootSettings(file: string): RootSettings {
  let text: string;
  try {
    text = readTextFile(file, 'rootSettings');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new VaultUnavailableError((error as Error).message);
  }
  const problem = findProblem(text);
  if (problem === undefined) return JSON.parse(text) as RootSettings;
  throw new VaultUnavailableError(`${file} ${problem}: restore it from its backup`);
}

/**
 * Writes a part of the settings durably and keeps the others.
 * @throws {VaultUnavailableError} when that fails.
 */
export function writeRootSettings(file: string, settings: RootSettings): void {
  try {
    writeFileAtomically(file, `${JSON.stringify({ ...readRootSettings(file), ...settings })}\n`, 0o600);
    giveToOwner(file, dirname(file));
  } catch (error) {
    if (error instanceof VaultUnavailableError) throw error;
    throw new VaultUnavailableError(`cannot write ${file}: ${(error as Error).message}`);
  }
}

const isHex = (value: unknown, bytes: number) =>
  typeof value === 'string' && value.length === 2 * bytes && /^[0-9a-f]*$/.test(value);

function findProblem(text: string): string | undefined {
  let settings: RootSettings;
  try {
    settings = JSON.parse(text) as RootSettings;
    if (typeof settings !== 'object' || settings === null || Array.isArray(settings)) return 'is damaged';
  } catch {
    return 'is damaged';
  }
  const { passphrase, shares } = settings;
  return (
    (passphrase === undefined ? undefined : findPassphraseProblem(passphrase)) ??
    (shares === undefined || isShareSettings(shares) ? undefined : 'has impossible settings of shares')
  );
}

/** Whether a value states a salt, and a cost of argon2id that is accepted. */
export function isPassphraseSettings(value: unknown): value is PassphraseSettings {
  const settings = (typeof value === 'object' ? value : null) as PassphraseSettings | null;
  return settings !== null && findPassphraseProblem(settings) === undefined;
}

function findPassphraseProblem(settings: PassphraseSettings): string | undefined {
  if (!isHex(settings?.salt, 16)) return 'has no salt of 16 bytes for the passphrase';
  for (const [name, { min, max }] of Object.entries(bounds)) {
    const value = settings[name as keyof typeof bounds];
    if (!Number.isSafeInteger(value) || value < min || value > max)
      return `states ${name} of argon2id outside of ${min} to ${max}`;
  }
  return undefined;
}

function isShareSettings(settings: ShareSettings | null): boolean {
  const { set, threshold = 0, commitments = [] } = settings ?? {};
  return (
    isHex(set, 4) &&
    Array.isArray(commitments) &&
    commitments.length <= 32 &&
    Number.isSafeInteger(threshold) &&
    threshold >= 2 &&
    threshold <= commitments.length &&
    commitments.every((each) => isHex(each?.salt, 16) && isHex(each?.hash, 32))
  );
}
