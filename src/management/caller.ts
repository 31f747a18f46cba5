import type { AdministratorRole } from '../identity/administrator.ts';

/** Who calls a method of the management service. */
export interface Caller {
  /** Name of the administrator; undefined: nobody has said who, and may open the home or its socket. */
  readonly name: string | undefined;
  readonly role: AdministratorRole;
  /**
   * How that was proved: by the right to open the socket, or the home in the process of a command; by
   * password and one-time password; by the private key of a certificate, which has signed the very call.
   */
  readonly proof: 'socket' | 'process' | 'password' | 'certificate';
  /** As `credentialIdOf`; undefined without a name. */
  readonly credentialId: string | undefined;
  /** Who has approved what the caller had asked for, where that was needed. */
  readonly approvedBy?: string;
  /** Identifier of the request by which the caller had asked for that. */
  readonly request?: string;
  /** Number of the connection in this process, from 1 on. */
  readonly connection: number;
}
