import { randomFillSync } from 'node:crypto';
import { decodeMechanismPage } from './answers.ts';
import { findPinFile, LoginJournal } from './login-journal.ts';
import {
  decodeSecret,
  encodeJson,
  encodeUnwrap,
  type MechanismDescription,
  maxSecretBytes,
  type TokenDescription,
  TokenFailure,
  type TokenKeyDescription,
} from './messages.ts';
import type { TokenProcess } from './token-process.ts';
import { findToken, logIn, openTokenKey, spawnTokenProcess, type TokenSettings } from './token-start.ts';
import type { TokenUri } from './token-uri.ts';

/** How long a step may take, in milliseconds. A person waits, and some tokens make RSA keys for a minute. */
const stepMilliseconds = 60_000;

/** Looks at a token for an operator, in a process of its own that nothing restarts. */
export class TokenInspection {
  readonly token: TokenDescription;
  readonly #process: TokenProcess;
  readonly #settings: TokenSettings;

  private constructor(process: TokenProcess, settings: TokenSettings, token: TokenDescription) {
    this.#process = process;
    this.#settings = settings;
    this.token = token;
  }

  /**
   * Loads the library and finds the token; does not log in. The caller closes the inspection.
   * @throws {TokenFailure} or {ProcessEndedError} when that fails.
   */
  static async open(uri: TokenUri, environment: NodeJS.ProcessEnv): Promise<TokenInspection> {
    const pinFile = findPinFile(uri, environment);
    const settings: TokenSettings = {
      uri,
      environment,
      pinFile,
      journal: new LoginJournal(undefined, uri, pinFile),
      mode: 'trial',
      startMilliseconds: stepMilliseconds,
      showsLibraryOutput: true,
    };
    const process = spawnTokenProcess(settings);
    try {
      return new TokenInspection(process, settings, await findToken(process, settings));
    } catch (error) {
      process.kill('it was inspected');
      throw error;
    }
  }

  /**
   * Resolves to all mechanisms of the token.
   * @throws {TokenFailure} or {ProcessEndedError} when that fails.
   */
  async listMechanisms(): Promise<readonly MechanismDescription[]> {
    const mechanisms: MechanismDescription[] = [];
    for (;;) {
      const from = mechanisms.length;
      const body = await this.#process.request('check', encodeJson({ from }), stepMilliseconds);
      const page = decodeMechanismPage(body, from);
      mechanisms.push(...page.mechanisms);
      if (mechanisms.length === page.total) return mechanisms;
    }
  }

  /** @throws {TokenFailure} when the token does not accept it. */
  logIn(mayLockPin: boolean): Promise<void> {
    return logIn(this.#process, this.#settings, mayLockPin);
  }

  /**
   * Finds the key of the URI; makes one for the time of the session when there is none.
   * @throws {TokenFailure} when kmipd cannot use it.
   */
  async openKey(): Promise<TokenKeyDescription> {
    return (await openTokenKey(this.#process, this.#settings)) as TokenKeyDescription;
  }

  /**
   * Resolves to the secret of at most 128 bytes, wrapped by the key that was opened.
   * @throws {TokenFailure} or {ProcessEndedError} when that fails.
   */
  wrap(secret: Uint8Array): Promise<Uint8Array> {
    return this.#process.request('wrap', secret, stepMilliseconds);
  }

  /**
   * Resolves to the secret; undefined when the token rejects what was wrapped.
   * @throws {TokenFailure} or {ProcessEndedError} when that fails.
   */
  async unwrap(wrapped: Uint8Array): Promise<Uint8Array | undefined> {
    const mask = randomFillSync(new Uint8Array(maxSecretBytes));
    const answer = await this.#process.request('unwrap', encodeUnwrap(mask, wrapped), stepMilliseconds);
    try {
      return decodeSecret(answer, mask);
    } catch {
      throw new TokenFailure('token', 'its process gave an impossible answer to unwrap');
    }
  }

  close(): Promise<void> {
    return this.#process.close();
  }
}
