import { readJson, writeJson } from '../common/json.ts';
import type { HashedPasswordVerifier, PasswordVerifier } from './passwords.ts';

/**
 * The credentials that the operator has given to one client, beside its certificate: a record of its own, whose id is
 * the client's name. Only the command line writes it.
 */
export const credentialKind = 'credential';

/** What messages have used up of them; only the daemon writes it. Same id. */
export const credentialUseKind = 'credential-use';

/** At most one for each username. */
export interface UserCredential {
  readonly username: string;
  readonly password?: PasswordVerifier;
  /** Present when Hashed Password may be used. */
  readonly hashed?: HashedPasswordVerifier;
  /** Fingerprints of one-time passwords, spent ones among them. */
  readonly oneTime?: readonly string[];
}

/** Fields of a Device credential that tell devices apart (KMIP 2.1 §9.2). */
export const deviceFields = [
  'DeviceSerialNumber',
  'DeviceIdentifier',
  'NetworkIdentifier',
  'MachineIdentifier',
  'MediaIdentifier',
] as const;
export type DeviceFields = Readonly<Partial<Record<(typeof deviceFields)[number], string>>>;

/** Every field named here must be shown, and be the same. */
export interface DeviceCredential {
  readonly fields: DeviceFields;
  readonly password?: PasswordVerifier;
}

export interface ClientCredentials {
  readonly users: readonly UserCredential[];
  readonly devices: readonly DeviceCredential[];
}

export interface CredentialUse {
  /** Username → the latest Timestamp of a Hashed Password, POSIX microseconds in decimal. */
  readonly timeStamps: Readonly<Record<string, string>>;
  /** Fingerprints of one-time passwords that have been used. */
  readonly spent: readonly string[];
}

export const noCredentials: ClientCredentials = { users: [], devices: [] };

export function readCredentials(content: Uint8Array): ClientCredentials {
  return readJson(content);
}

export function writeCredentials(credentials: ClientCredentials): Uint8Array {
  return writeJson(credentials);
}

export function readUse(content: Uint8Array | undefined): CredentialUse {
  if (content === undefined) return { timeStamps: {}, spent: [] };
  return readJson(content);
}

/** Leaves out what is no longer among the credentials, so that it cannot grow without end. */
export function writeUse(use: CredentialUse, { users }: ClientCredentials): Uint8Array {
  const codes = new Set(users.flatMap(({ oneTime = [] }) => oneTime));
  const names = new Set(users.map(({ username }) => username));
  const timeStamps = Object.entries(use.timeStamps).filter(([username]) => names.has(username));
  return writeJson({
    timeStamps: Object.fromEntries(timeStamps),
    spent: use.spent.filter((code) => codes.has(code)),
  } satisfies CredentialUse);
}
