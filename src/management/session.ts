import { randomBytes } from 'node:crypto';
import { splitBytes } from '../common/bytes.ts';
import type { ManagementBackends, MethodName } from './api.ts';
import { needsApproval } from './approval-rule.ts';
import { askApproval } from './ask-approval.ts';
import type { AdministratorAuthenticator, AuthenticatedAdministrator, LoginProof } from './authenticator.ts';
import { callMethod } from './call.ts';
import { type CallObserver, loginMethod, observeCall } from './call-observer.ts';
import type { Caller } from './caller.ts';
import { LoginRefusedError, RequestError } from './errors.ts';
import { challengeMethod, type LoginParams, readLogin, readParams, type SentRequest } from './params.ts';
import { secretReceiver } from './secret-receiver.ts';
import { isCallSigned } from './signed-request.ts';

export interface SessionOptions {
  readonly backends: ManagementBackends;
  readonly authenticator: AdministratorAuthenticator;
  /** Identity of the database, see `ServiceDescription.store`. */
  readonly store: string;
  /** What the right to call methods follows from, without a login. */
  readonly openedBy: 'socket' | 'process';
  readonly observe: CallObserver;
  /** Rejects when the method cannot be called now, because it needs rows. */
  readonly ready: (method: MethodName | typeof loginMethod) => Promise<void>;
}

/** What the server gives before a login. */
export interface LoginChallenge {
  /** Random bytes in Base64, for this session. */
  readonly challenge: string;
  /** The key for which `encryptSecret` encrypts a password. */
  readonly publicKey: string;
}

/** Sessions of this process so far. */
let sessions = 0;
const challengeBytes = 32;

/**
 * The calls of one connection, or of one command in its own process. It begins as that of the nameless
 * `admin`; a login, which must be the first, makes it that of an administrator, whose role is read anew for
 * each call. A login that fails ends it.
 */
export class ManagementSession {
  readonly #options: SessionOptions;
  readonly #nameless: Caller;
  #challenge: string | undefined;
  #login: AuthenticatedAdministrator | undefined;
  #lastId = -1;
  #hasCalled = false;
  #isEnded = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    sessions += 1;
    this.#nameless = {
      ...{ name: undefined, role: 'admin', proof: options.openedBy, credentialId: undefined },
      connection: sessions,
    };
  }

  /** Whether a login has failed: nothing is answered any more. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /**
   * Answers a request, and resolves to its result.
   * @throws {RequestError} when it has another form, or comes at another time
   * @throws {LoginRefusedError} when the administrator is not recognised, or not any more
   * @throws {AccessDeniedError} when the role may not call the method; errors of the method and the observer
   */
  async handle(request: SentRequest): Promise<unknown> {
    if (this.#isEnded) throw new RequestError('the session has ended');
    if (request.method === challengeMethod) return this.#makeChallenge();
    if (request.method === loginMethod) return this.#logIn(request);
    return this.#call(request.method as MethodName, request);
  }

  #makeChallenge(): LoginChallenge {
    if (this.#challenge !== undefined || this.#hasCalled)
      throw new RequestError('a login comes first, and once');
    this.#challenge = Uint8Array.from(randomBytes(challengeBytes)).toBase64();
    return { challenge: this.#challenge, publicKey: secretReceiver().publicKey };
  }

  async #logIn(request: SentRequest): Promise<{ readonly role: string }> {
    const params = readLogin(request.params);
    if (this.#challenge === undefined || this.#hasCalled)
      throw new RequestError('a login comes first, after a challenge');
    this.#hasCalled = true;
    const { name, input } = params;
    const { observe, ready } = this.#options;
    try {
      return await observeCall(observe, this.#nameless, [loginMethod, { name }], async () => {
        await ready(loginMethod);
        this.#login = await this.#recognise(params, request);
        return { role: this.#login.role };
      });
    } catch (error) {
      this.#isEnded = true;
      this.#login = undefined;
      throw error;
    } finally {
      if (input === null) this.#lastId = request.id;
    }
  }

  async #recognise({ name, input }: LoginParams, request: SentRequest): Promise<AuthenticatedAdministrator> {
    const { authenticator, openedBy } = this.#options;
    const recognise = (proof: LoginProof) => authenticator.authenticate(openedBy, name, proof);
    if (input === null)
      return recognise({ kind: 'certificate', isSignedBy: (key) => this.#isSigned(request, key) });
    using secret = secretReceiver().decrypt(input);
    if (secret === undefined) throw new LoginRefusedError('what was sent is not encrypted for this kmipd');
    const [code, password] = splitLogin(secret.bytes);
    // Both are views of the secret, which is overwritten at the end.
    return await recognise({ kind: 'password', code, password });
  }

  async #call(method: MethodName, request: SentRequest): Promise<unknown> {
    const params = readParams(method, request.params);
    this.#hasCalled = true;
    const { backends, observe, ready } = this.#options;
    const caller = this.#caller();
    return observeCall(observe, caller, [method, params], async () => {
      await ready(method);
      const role = await this.#prove(request);
      const present = { ...caller, role };
      if (needsApproval(backends.approval, method, params))
        return askApproval(backends, present, method, params);
      return callMethod(backends, present, method, params, observe);
    });
  }

  #caller(): Caller {
    if (this.#login === undefined) return this.#nameless;
    const { name, role, credentialId, publicKey } = this.#login;
    const proof = publicKey === undefined ? 'password' : 'certificate';
    return { name, role, proof, credentialId, connection: this.#nameless.connection };
  }

  /**
   * Returns the role that the caller has now.
   * @throws {LoginRefusedError} when the request is not signed, or the administrator not the one of the login
   */
  async #prove(request: SentRequest): Promise<Caller['role']> {
    if (this.#login === undefined) return this.#nameless.role;
    try {
      const present = await this.#options.authenticator.renew(this.#login);
      if (present.publicKey !== undefined) {
        if (request.id <= this.#lastId || !this.#isSigned(request, present.publicKey))
          throw new LoginRefusedError('a request is not signed by the key of the administrator');
        this.#lastId = request.id;
      }
      this.#login = present;
      return present.role;
    } catch (error) {
      this.#isEnded = true;
      throw error;
    }
  }

  #isSigned({ id, method, params, signature }: SentRequest, key: AuthenticatedAdministrator['publicKey']) {
    const { store } = this.#options;
    const challenge = this.#challenge ?? '';
    if (key === undefined || signature === undefined) return false;
    return isCallSigned({ store, challenge, id, method, params }, key, signature);
  }
}

/** @throws {LoginRefusedError} when the bytes are not a code and a password */
function splitLogin(bytes: Uint8Array): readonly [code: Uint8Array, password: Uint8Array] {
  try {
    return splitBytes(bytes);
  } catch {
    throw new LoginRefusedError('what was sent is no password with a code');
  }
}
