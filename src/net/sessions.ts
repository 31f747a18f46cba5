import { X509Certificate } from 'node:crypto';
import { JoinedRuns } from '../common/joined-runs.ts';
import type { Limits } from '../common/limits.ts';
import type { AuthenticationResult } from '../identity/certificate.ts';
import type { Principal } from '../identity/principal.ts';
import type { Conversation } from '../protocol/service.ts';
import type { ListenerObserver } from '../watch/observer.ts';
import { type Reauthentication, reauthenticate } from './reauthentication.ts';
import type { ProtocolConnection } from './transport.ts';

/** One open connection of a client. */
export interface ClientSession {
  readonly connection: ProtocolConnection;
  /** Read once, because each `getPeerX509Certificate` call holds native memory for a while. */
  readonly certificate: X509Certificate;
  /**
   * Certificate that may replace that one; until then (ms since 1970) its enrolment keeps the session open.
   */
  replacement?: { readonly certificate: X509Certificate; readonly until: number };
}

export interface SessionsOptions {
  readonly limits: Pick<Limits, 'connectionsPerClient'>;
  readonly observer: Pick<ListenerObserver, 'connectionClosed' | 'connectionEnded'>;
  /** Open connections by client. */
  readonly perClient: Map<string, number>;
  /** Rejects when the client directory is unavailable. */
  authenticate(certificate: X509Certificate): Promise<AuthenticationResult>;
}

/**
 * How long a connection may outlive the certificate that its client has replaced on it. The client needs this
 * time to fetch the new certificate, without which it would be locked out.
 */
const replacedCertificateGraceMilliseconds = 60_000;

/** Why a further connection of a client is refused. */
export const tooManyConnections = 'too many connections of this client';

/** The sessions of a listener: counts them by client, authenticates them again and ends them. */
export class Sessions {
  readonly #options: SessionsOptions;
  readonly #sessions = new Set<ClientSession>();
  readonly #rechecks = new JoinedRuns(() => this.#recheck());
  #begunRechecks = 0;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  /** Number of open sessions. */
  get size(): number {
    return this.#sessions.size;
  }

  /** Rechecks that have begun, by which a session is recognised that was authenticated before one. */
  get begunRechecks(): number {
    return this.#begunRechecks;
  }

  /** Whether the client has as many connections as it may have. */
  isFull(client: string): boolean {
    return this.#count(client) >= this.#options.limits.connectionsPerClient;
  }

  /** Keeps a session until its socket closes. */
  add(session: ClientSession): void {
    const { connection } = session;
    this.#sessions.add(session);
    this.#addToCount(connection.conversation.principal.client, 1);
    connection.socket.on('close', () => {
      const { principal, connection: id } = connection.conversation;
      this.#sessions.delete(session);
      this.#addToCount(principal.client, -1);
      this.#options.observer.connectionClosed({ client: principal.client, connection: id });
    });
  }

  /**
   * Authenticates every session again, each certificate once, and ends the sessions whose clients are no
   * longer authorised by what the directory contains from this call on. Rejects when it is unavailable.
   */
  recheck(): Promise<void> {
    return this.#rechecks.request();
  }

  async #recheck(): Promise<void> {
    this.#begunRechecks += 1;
    const results = new Map<string, AuthenticationResult>();
    const authenticateOnce = async (certificate: X509Certificate): Promise<AuthenticationResult> => {
      const known = results.get(certificate.fingerprint256);
      const result = known ?? (await this.#options.authenticate(certificate));
      results.set(certificate.fingerprint256, result);
      return result;
    };
    for (const session of this.#sessions)
      this.#renew(session, await this.#authenticate(session, authenticateOnce));
  }

  /**
   * Whether the next message of a session may be executed. A session that began while the vault was sealed is
   * authenticated again first, and ended when it is refused then.
   */
  mayContinue(session: ClientSession): boolean | Promise<boolean> {
    const { socket, conversation } = session.connection;
    if (socket.destroyed) return false;
    return conversation.principal.isProvisional !== true || this.#authenticateAnew(session);
  }

  async #authenticateAnew(session: ClientSession): Promise<boolean> {
    try {
      return this.#renew(session, await this.#authenticate(session));
    } catch {
      return this.#renew(session, { ended: 'client directory unavailable' });
    }
  }

  /** Returns the client of a session as it is enrolled now; undefined when the session has to end. */
  async reauthenticate(session: ClientSession): Promise<Principal | undefined> {
    const result = await this.#authenticate(session);
    return 'principal' in result ? result.principal : undefined;
  }

  #authenticate(
    session: ClientSession,
    authenticate = (certificate: X509Certificate) => this.#options.authenticate(certificate),
  ): Promise<Reauthentication> {
    const { principal } = session.connection.conversation;
    return reauthenticate({ ...session, principal }, authenticate);
  }

  /** Puts the result of an authentication in force; false when it ends the session. */
  #renew({ connection }: ClientSession, result: Reauthentication): boolean {
    const { principal } = connection.conversation;
    if (connection.socket.destroyed) return false;
    if ('ended' in result) return this.#end(connection, result.ended);
    const { client } = result.principal;
    if (client !== principal.client) {
      if (this.isFull(client)) return this.#end(connection, tooManyConnections);
      this.#addToCount(principal.client, -1);
      this.#addToCount(client, 1);
    }
    connection.conversation = { ...connection.conversation, principal: result.principal };
    return true;
  }

  #end(connection: ProtocolConnection, reason: string): false {
    this.#report(connection, reason);
    connection.socket.destroy();
    return false;
  }

  #report({ conversation }: ProtocolConnection, reason: string): void {
    const { principal, connection, peer } = conversation;
    this.#options.observer.connectionEnded({ reason, client: principal.client, connection, peer });
  }

  /** Returns the control of a session whose client replaces its certificate. */
  controlOf(session: () => ClientSession): NonNullable<Conversation['sessionControl']> {
    return {
      expect: (expected) => {
        const until = Date.now() + replacedCertificateGraceMilliseconds;
        session().replacement = { certificate: new X509Certificate(expected), until };
      },
      replaced: () => this.#endReplaced(session()),
    };
  }

  /**
   * Ends the other sessions of the certificate that `session` has replaced, at their next message boundary.
   */
  #endReplaced(session: ClientSession): void {
    for (const { connection, certificate } of this.#sessions) {
      if (connection === session.connection) continue;
      if (certificate.fingerprint256 !== session.certificate.fingerprint256) continue;
      this.#report(connection, 'the client has replaced its certificate');
      connection.finish();
    }
  }

  /** Ends every session at its next message boundary. */
  finish(): void {
    for (const { connection } of this.#sessions) connection.finish();
  }

  destroy(): void {
    for (const { connection } of this.#sessions) connection.socket.destroy();
  }

  #count(client: string): number {
    return this.#options.perClient.get(client) ?? 0;
  }

  #addToCount(client: string, step: 1 | -1): void {
    const count = this.#count(client) + step;
    if (count > 0) this.#options.perClient.set(client, count);
    else this.#options.perClient.delete(client);
  }
}
