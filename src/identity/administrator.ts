import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { joinBytes, splitBytes } from '../common/bytes.ts';
import { readJson, writeJson } from '../common/json.ts';
import { copySecret } from '../common/secret.ts';
import type { PasswordVerifier } from './passwords.ts';
import type { TotpGenerator, TotpHash } from './totp.ts';

/** Kind of the records of administrators; the id is the name, and the record is of no group. */
export const administratorKind = 'administrator';

/**
 * Kind of the one record that lists the administrators. Every change of an administrator changes it too, so
 * that rules about all of them hold although two are changed at once.
 */
export const administratorListKind = 'administrator-list';

/**
 * `admin` may call every method of the management service; `operator` does the daily work; `auditor` sees
 * everything but keys and changes nothing.
 */
export const administratorRoles = ['admin', 'operator', 'auditor'] as const;
export type AdministratorRole = (typeof administratorRoles)[number];

/** The private key of a certificate (PEM) signs. */
export interface CertificateCredential {
  readonly certificate: string;
}

/** A password and a time-based one-time password. */
export interface PasswordCredential {
  readonly password: PasswordVerifier;
  readonly totp: TotpGenerator;
}

export type AdministratorCredential = CertificateCredential | PasswordCredential;

/** An administrator, as one record has it. */
export interface Administrator {
  readonly name: string;
  readonly role: AdministratorRole;
  readonly isDisabled: boolean;
  /** POSIX seconds. */
  readonly createdAt: number;
  /** Number of the change that wrote it; the list of administrators states it too. */
  readonly revision: number;
  readonly credential: AdministratorCredential;
}

/** The list of administrators. */
export interface AdministratorList {
  /** Revision of each record, by the names. */
  readonly revisions: Readonly<Record<string, number>>;
  /** Number of changes of administrators. */
  readonly changes: number;
  /** The latest time of a login, as `AdministratorClock` tells it: POSIX seconds. */
  readonly latestLogin: number;
}

interface EncodedAdministrator extends Omit<Administrator, 'credential'> {
  readonly certificate?: string;
  readonly password?: PasswordVerifier;
  readonly totp?: { readonly hash: TotpHash; readonly lastStep: number };
}

/** Encodes the content of an `administrator` record: JSON, and the secret of one-time passwords behind it. */
export function writeAdministrator({ credential, ...rest }: Administrator): Uint8Array {
  if ('certificate' in credential) return joinBytes(writeJson({ ...rest, ...credential }), new Uint8Array());
  const { hash, lastStep, secret } = credential.totp;
  const encoded: EncodedAdministrator = { ...rest, password: credential.password, totp: { hash, lastStep } };
  return joinBytes(writeJson(encoded), secret);
}

/**
 * Decodes the content of an `administrator` record. The secret in the result is a copy, which the caller
 * overwrites with `wipeAdministrator`.
 */
export function readAdministrator(content: Uint8Array): Administrator {
  const [json, secret] = splitBytes(content);
  const { certificate, password, totp, ...rest } = readJson<EncodedAdministrator>(json);
  if (password === undefined || totp === undefined)
    return { ...rest, credential: { certificate: certificate ?? '' } };
  return { ...rest, credential: { password, totp: { ...totp, secret: copySecret(secret) } } };
}

/** Overwrites the secret of an administrator, if there is one; it cannot be written afterwards. */
export function wipeAdministrator({ credential }: Administrator): void {
  if ('totp' in credential) credential.totp.secret.fill(0);
}

/** Decodes the content of the list. */
export const readAdministratorList = (content: Uint8Array): AdministratorList => readJson(content);

/** Encodes the content of the list. */
export const writeAdministratorList = (list: AdministratorList): Uint8Array => writeJson(list);

/**
 * Returns what identifies a credential: SHA-256 of the public key of a certificate (SubjectPublicKeyInfo), so
 * that two certificates of one key are the same, or of the secret of one-time passwords. Lower-case hex.
 */
export function credentialIdOf(credential: AdministratorCredential): string {
  if ('totp' in credential) {
    return createHash('sha256').update('kmipd totp').update(credential.totp.secret).digest('hex');
  }
  return credentialIdOfKey(new X509Certificate(credential.certificate).publicKey);
}

/** Returns what `credentialIdOf` is for a certificate of the key. */
export function credentialIdOfKey(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

/** Returns why nobody can log in by that credential at `now` whatever is shown; undefined when one can. */
export function findCredentialProblem(credential: AdministratorCredential, now: Date): string | undefined {
  if ('totp' in credential) return undefined;
  const { validFromDate, validToDate } = new X509Certificate(credential.certificate);
  if (now > validToDate) return 'certificate expired';
  return now < validFromDate ? 'certificate not yet valid' : undefined;
}
