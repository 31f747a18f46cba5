import type { ManagementBackends, ManagementCall, ResultOf } from './api.ts';
import { AdministratorAuthenticator } from './authenticator.ts';
import type { CallObserver } from './call-observer.ts';
import { logInAdministrator, type RequestSender, type RequestSigner, type ShownCredential } from './login.ts';
import type { SentRequest } from './params.ts';
import { ManagementSession } from './session.ts';

export interface LocalSessionOptions {
  readonly backends: ManagementBackends;
  /** Identity of the database. */
  readonly store: string;
  readonly observe: CallObserver;
  /** Undefined: the calls are those of the nameless admin. */
  readonly login: ShownCredential | undefined;
}

/**
 * Returns the calls of a command that has opened the database in its own process, with the checks that a
 * daemon makes.
 * @throws {LoginRefusedError} when the administrator is not recognised
 */
export async function openLocalSession({ login, ...options }: LocalSessionOptions): Promise<ManagementCall> {
  const authenticator = new AdministratorAuthenticator(options.backends);
  // Whoever opens the database here has waited until the vault was unsealed, or calls what needs no row.
  const ready = async () => {};
  const sender = new LocalSender(
    new ManagementSession({ ...options, authenticator, openedBy: 'process', ready }),
  );
  if (login !== undefined) await logInAdministrator(sender, options.store, login);
  return async (method, params) => (await sender.send(method, params)) as ResultOf<typeof method>;
}

/** Hands requests to a session in the same process. */
class LocalSender implements RequestSender {
  readonly #session: ManagementSession;
  #id = 0;
  signer: RequestSigner | undefined;

  constructor(session: ManagementSession) {
    this.#session = session;
  }

  send(method: string, params: unknown): Promise<unknown> {
    const id = ++this.#id;
    const signature = this.signer?.({ id, method, params });
    return this.#session.handle({ id, method, params, signature } as SentRequest);
  }
}
