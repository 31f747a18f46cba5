import type { AdministratorRole } from '../identity/administrator.ts';
import type { PasswordVerifier } from '../identity/passwords.ts';
import type { TotpHash } from '../identity/totp.ts';

/** The methods of the management service about administrators. */

/** An administrator as lists show it. */
export interface AdministratorSummary {
  readonly name: string;
  readonly role: AdministratorRole;
  readonly disabled: boolean;
  /** POSIX seconds. */
  readonly createdAt: number;
  readonly credential: 'certificate' | 'password';
  /** Of the certificate: SHA-256 in lower-case hexadecimal, and its end in POSIX seconds; else null. */
  readonly fingerprint: string | null;
  readonly notAfter: number | null;
}

/** An administrator with the certificate (PEM), if that is the credential. */
export interface AdministratorDetails extends AdministratorSummary {
  readonly certificate: string | null;
}

/** What is to prove an administrator: a certificate (PEM), or a password with one-time passwords. */
export interface NewCredential {
  readonly certificate?: string | undefined;
  readonly password?: PasswordVerifier | undefined;
  /** The secret is encrypted for the process that `vault.receiver` names. */
  readonly totp?: { readonly hash: TotpHash; readonly secret: string } | undefined;
}

interface Named {
  readonly name: string;
}

export interface AdministratorApi {
  'admin.list': { readonly params: object; readonly result: readonly AdministratorSummary[] };
  'admin.show': { readonly params: Named; readonly result: AdministratorDetails };
  /** Refuses a name, a key and a secret that another administrator has. */
  'admin.add': {
    readonly params: Named & { readonly role: AdministratorRole; readonly credential: NewCredential };
    readonly result: object;
  };
  /** Replaces the credential; logins by the former one end. */
  'admin.reset': { readonly params: Named & { readonly credential: NewCredential }; readonly result: object };
  /** The last enabled `admin` is disabled and removed by the nameless admin only. */
  'admin.setDisabled': {
    readonly params: Named & { readonly disabled: boolean };
    readonly result: { readonly isChanged: boolean };
  };
  'admin.remove': { readonly params: Named; readonly result: object };
}
