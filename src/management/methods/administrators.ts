import { X509Certificate } from 'node:crypto';
import { refuseWeakKey } from '../../../certs/keys.ts';
import { splitCertificates } from '../../../certs/pem.ts';
import { didYouMean } from '../../common/suggest.ts';
import {
  type Administrator,
  type AdministratorCredential,
  credentialIdOf,
  findCredentialProblem,
} from '../../identity/administrator.ts';
import { fingerprintOf } from '../../identity/certificate.ts';
import { totpSecretBytes } from '../../identity/totp.ts';
import {
  type AdministratorChange,
  AdministratorDirectory,
  maxAdministrators,
} from '../../protocol/authentication/administrator-directory.ts';
import type { AdministratorDetails, NewCredential } from '../administrator-api.ts';
import type { ManagementBackends, MethodsOf } from '../api.ts';
import type { Caller } from '../caller.ts';
import { ManagementError } from '../errors.ts';
import { secretReceiver } from '../secret-receiver.ts';

/** The methods about administrators. Nothing by which a credential could be guessed goes out. */
export const administratorMethods: MethodsOf<'admin'> = {
  async 'admin.list'(backends) {
    const all = await directoryOf(backends).list();
    return all.map((each) => {
      const { certificate: _, ...summary } = describe(each);
      return summary;
    });
  },
  async 'admin.show'(backends, { name }) {
    const all = await directoryOf(backends).list();
    return describe(requireNamed(name, all));
  },
  async 'admin.add'(backends, { name, role, credential }) {
    using opened = openCredential(credential);
    await directoryOf(backends).change(name, (found, others) => {
      if (found !== undefined) throw new ManagementError(`administrator "${name}" exists already`);
      if (others.length >= maxAdministrators)
        throw new ManagementError(`there are ${maxAdministrators} administrators; remove one first`);
      requireUnique(opened.credential, others);
      const createdAt = Math.floor(Date.now() / 1000);
      return { ...{ name, role, isDisabled: false, createdAt, revision: 0 }, credential: opened.credential };
    });
    return {};
  },
  async 'admin.reset'(backends, { name, credential }) {
    using opened = openCredential(credential);
    await directoryOf(backends).change(name, (found, others) => {
      const administrator = requireFound(found, name, others);
      requireUnique(opened.credential, others);
      // The same key again would keep the logins by it.
      if (credentialIdOf(opened.credential) === credentialIdOf(administrator.credential))
        throw new ManagementError(`administrator "${name}" has this key already; take another one`);
      return { ...administrator, credential: opened.credential };
    });
    return {};
  },
  async 'admin.setDisabled'(backends, { name, disabled }, caller) {
    let isChanged = false;
    await directoryOf(backends).change(name, (found, others): AdministratorChange => {
      const administrator = requireFound(found, name, others);
      isChanged = administrator.isDisabled !== disabled;
      if (!isChanged) return undefined;
      if (disabled) requireAnother(administrator, others, caller);
      return { ...administrator, isDisabled: disabled };
    });
    return { isChanged };
  },
  async 'admin.remove'(backends, { name }, caller) {
    await directoryOf(backends).change(name, (found, others): AdministratorChange => {
      requireAnother(requireFound(found, name, others), others, caller);
      return 'removed';
    });
    return {};
  },
};

const directoryOf = ({ store, vault }: ManagementBackends) => new AdministratorDirectory(store, vault);

function describe({ name, role, isDisabled, createdAt, credential }: Administrator): AdministratorDetails {
  const shared = { name, role, disabled: isDisabled, createdAt };
  if ('totp' in credential)
    return { ...shared, credential: 'password', fingerprint: null, notAfter: null, certificate: null };
  const certificate = new X509Certificate(credential.certificate);
  return {
    ...{ ...shared, credential: 'certificate', fingerprint: fingerprintOf(certificate) },
    notAfter: Math.floor(certificate.validToDate.getTime() / 1000),
    certificate: credential.certificate,
  };
}

/** @throws {ManagementError} when there is none of that name */
function requireNamed(name: string, all: readonly Administrator[]): Administrator {
  return requireFound(
    all.find((each) => each.name === name),
    name,
    all,
  );
}

function requireFound(
  found: Administrator | undefined,
  name: string,
  others: readonly Administrator[],
): Administrator {
  if (found !== undefined) return found;
  const suggestion = didYouMean(
    name,
    others.map((each) => each.name),
  );
  throw new ManagementError(`there is no administrator "${name}"${suggestion}`);
}

/** Two names with one key or one secret would be one person in the place of two. */
function requireUnique(credential: AdministratorCredential, others: readonly Administrator[]): void {
  const id = credentialIdOf(credential);
  const other = others.find((each) => credentialIdOf(each.credential) === id);
  if (other === undefined) return;
  const what = 'totp' in credential ? 'secret' : 'key';
  throw new ManagementError(`this ${what} is that of administrator "${other.name}" already`);
}

/** Keeps administrators from leaving none of them who could undo it. */
function requireAnother(
  administrator: Administrator,
  others: readonly Administrator[],
  caller: Caller,
): void {
  const canAct = ({ role, isDisabled, credential }: Administrator) =>
    role === 'admin' && !isDisabled && findCredentialProblem(credential, new Date()) === undefined;
  if (caller.name === undefined || !canAct(administrator) || others.some(canAct)) return;
  throw new ManagementError(
    `"${administrator.name}" is the last enabled admin; only kmipd without --as may disable or remove it`,
  );
}

interface OpenedCredential extends Disposable {
  readonly credential: AdministratorCredential;
}

/**
 * Returns a credential, whose secret is overwritten at the end.
 * @throws {ManagementError} when it cannot be used
 */
function openCredential({ certificate, password, totp }: NewCredential): OpenedCredential {
  if (certificate !== undefined)
    return { credential: { certificate: readCertificate(certificate) }, [Symbol.dispose]() {} };
  if (password === undefined || totp === undefined) throw new TypeError('no credential');
  const { hash } = totp;
  const secret = secretReceiver().decrypt(totp.secret);
  if (secret === undefined) throw new ManagementError('what was sent is not encrypted for this kmipd');
  if (secret.length !== totpSecretBytes[hash]) {
    secret.wipe();
    throw new ManagementError(`the secret of ${hash} has ${totpSecretBytes[hash]} bytes`);
  }
  return {
    credential: { password, totp: { hash, secret: secret.bytes, lastStep: -1 } },
    [Symbol.dispose]: () => secret.wipe(),
  };
}

/** Returns the first certificate of a PEM text; others above it are not looked at. */
function readCertificate(pem: string): string {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(splitCertificates(pem, 'the text')[0] ?? '');
  } catch {
    throw new ManagementError('the certificate cannot be read');
  }
  try {
    refuseWeakKey(certificate.publicKey);
  } catch (error) {
    throw new ManagementError(`the certificate cannot be used: ${(error as Error).message}`);
  }
  const credential = { certificate: certificate.toString() };
  const problem = findCredentialProblem(credential, new Date());
  if (problem !== undefined) throw new ManagementError(`the certificate cannot be used: ${problem}`);
  return credential.certificate;
}
