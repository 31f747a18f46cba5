import {
  CryptographyBusyError,
  InvalidParametersError,
  UnsupportedAlgorithmError,
} from '../../crypto/errors.ts';
import {
  type DeviceCall,
  type DeviceKey,
  type DeviceKeyEntry,
  type DeviceKeySpecification,
  type DeviceKeyUses,
  type DeviceOutput,
  type DevicePublicKey,
  maxDeviceBytes,
  type TokenDevice,
  TokenKeyKeptError,
  TokenKeyMissingError,
  type TokenKeyReference,
  TokenUnavailableError,
} from '../../crypto/token-device.ts';
import { maxUseBodyBytes, type VerbName } from '../frames.ts';
import { encodeJson } from '../messages.ts';
import type { TokenClient } from '../token-client.ts';
import {
  TokenBusyError,
  type TokenCallOptions,
  type TokenPoolHealth,
  type TokenPoolOptions,
  TokenProcesses,
} from '../token-processes.ts';
import type { TokenStatus } from '../token-root.ts';
import type { TokenUri } from '../token-uri.ts';
import { decodeKeyPage, decodeMadeKey, decodeRemoved, type KeyPage } from './key-answers.ts';
import { formatKeyLabel, keyLabelPrefix, parseKeyLabel } from './key-label.ts';
import { decodeUseAnswer, encodeMakeKey, encodeUse } from './key-messages.ts';

export interface KeyPoolOptions extends TokenPoolOptions {
  /**
   * Names the database whose keys these are, in their labels: 16 hexadecimal digits each; the first one is
   * written, the others were before.
   */
  readonly owners: () => readonly string[];
  /** Calls `changed` when a file appears or changes; returns what ends that. */
  readonly watchFiles: (files: readonly string[], changed: () => void) => () => void;
  /** Is told of each change of state or reason; must not throw. */
  readonly onStatus?: (status: TokenStatus) => void;
  /** Is told why a call failed although the token is up, in one line; must not throw. */
  readonly onFailure?: (reason: string) => void;
}

/** A token may search for the primes of a pair for so long. */
const makeMilliseconds = 120_000;

/** A token in which keys are made and used, by a few processes. */
export class TokenKeyPool implements TokenDevice {
  readonly uri: string;
  readonly #token: TokenUri;
  readonly #options: KeyPoolOptions;
  readonly #processes: TokenProcesses;
  #status: TokenStatus;
  #endPinWatch: (() => void) | undefined;

  constructor(token: TokenUri, options: KeyPoolOptions) {
    this.uri = token.text;
    this.#token = token;
    this.#options = options;
    this.#status = { uri: this.uri, state: 'down', reason: 'it was not used yet', since: nowInSeconds() };
    this.#processes = new TokenProcesses(token, {
      ...{ ...options, mode: 'objects' },
      onHealth: (health) => this.#noteHealth(health),
    });
  }

  get status(): TokenStatus {
    return this.#status;
  }

  /** Starts the first process, so that the status says whether the token is there. */
  open(): void {
    try {
      this.#processes.prepare();
      this.retry();
    } catch {
      // The status has the reason.
    }
  }

  async serial(): Promise<string> {
    const known = this.#processes.serial;
    if (known !== undefined) return known;
    return this.#call(async (client) => {
      await client.ping();
      return client.serial ?? '';
    });
  }

  async make(
    { id, token }: TokenKeyReference,
    key: DeviceKeySpecification,
    uses: DeviceKeyUses,
  ): Promise<DevicePublicKey | undefined> {
    const [owner = ''] = this.#options.owners();
    const label = formatKeyLabel({ owner, made: nowInSeconds() });
    const body = encodeMakeKey({ id, token, label, key, uses });
    const isSlow = key.type === 'rsa' || key.type === 'ec';
    const waiting = { isSlow, waitMilliseconds: makeMilliseconds };
    const made = await this.#ask('keyMake', body, decodeMadeKey, waiting, makeMilliseconds);
    if ('reason' in made) throw new UnsupportedAlgorithmError(`the token makes no such key: ${made.reason}`);
    return made.publicKey;
  }

  async use(
    { reference, type }: DeviceKey,
    call: DeviceCall,
    data: Uint8Array,
  ): Promise<DeviceOutput | undefined> {
    const body = data.length > maxDeviceBytes ? undefined : encodeUse(reference.id, type, call, data);
    if (body === undefined || body.length > maxUseBodyBytes) {
      body?.fill(0);
      throw new InvalidParametersError(`a key in a token takes at most ${maxDeviceBytes} bytes at once`);
    }
    const { status, ...output } = await this.#ask('keyUse', body, decodeUseAnswer);
    switch (status) {
      case 'done':
        return output;
      case 'rejected':
        return undefined;
      case 'unsupported':
        throw new UnsupportedAlgorithmError('the token of the key does not offer this use of it');
      case 'missing':
        this.#options.onFailure?.(`the key ${reference.id} of an object is not in the token`);
        throw new TokenKeyMissingError(
          `the token has no key with the CKA_ID ${reference.id}; it was made in that with the serial number ${reference.token}`,
        );
    }
  }

  async remove({ id, token }: TokenKeyReference): Promise<void> {
    const { isOwn, reason } = await this.#ask('keyRemove', encodeJson({ id, token }), decodeRemoved);
    if (!isOwn)
      throw new TokenKeyMissingError(`the key ${id} is of the token with the serial number ${token}`);
    if (reason === null) return;
    this.#options.onFailure?.(`the key ${id} was not removed: ${reason}`);
    throw new TokenKeyKeptError(`the token keeps the key ${id}: ${reason}`);
  }

  async list(): Promise<readonly DeviceKeyEntry[]> {
    const token = await this.serial();
    const owners = this.#options.owners();
    const entries: DeviceKeyEntry[] = [];
    const pages: KeyPage[] = [];
    const ask = (client: TokenClient, from: number) =>
      client.ask('keyList', encodeJson({ prefix: keyLabelPrefix, from }), (answer) =>
        decodeKeyPage(answer, from),
      );
    // One process for all pages: it has found the keys once.
    await this.#call(async (client) => {
      for (let page = await ask(client, 0); ; page = await ask(client, page.next)) {
        pages.push(page);
        if (page.next >= page.total) return;
      }
    });
    for (const { keys } of pages)
      for (const { id, label } of keys) {
        const parsed = parseKeyLabel(label);
        if (parsed !== undefined && owners.includes(parsed.owner))
          entries.push({ reference: { id, token }, made: parsed.made });
      }
    return entries;
  }

  #ask<T>(
    verb: VerbName,
    body: Uint8Array,
    decode: (answer: Uint8Array) => T,
    waiting: TokenCallOptions = {},
    milliseconds?: number,
  ): Promise<T> {
    const ask = (client: TokenClient) => client.ask(verb, body, decode, milliseconds);
    return this.#call(ask, waiting).finally(() => body.fill(0));
  }

  async #call<T>(task: (client: TokenClient) => Promise<T>, waiting?: TokenCallOptions): Promise<T> {
    try {
      return await this.#processes.call(task, waiting);
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'VAULT_UNAVAILABLE') throw error;
      if (this.#status.state === 'up') this.#options.onFailure?.((error as Error).message);
      if (error instanceof TokenBusyError)
        throw new CryptographyBusyError('too many calls wait for the token: try again', { cause: error });
      throw new TokenUnavailableError({ cause: error });
    }
  }

  #noteHealth({ state, reason }: TokenPoolHealth): void {
    if (state === 'refused') this.#watchPin();
    if (state === 'up') {
      this.#endPinWatch?.();
      this.#endPinWatch = undefined;
    }
    const since = state === this.#status.state ? this.#status.since : nowInSeconds();
    this.#status = { uri: this.uri, state, reason, since };
    this.#options.onStatus?.(this.#status);
  }

  /** Another PIN file asks for a login. */
  #watchPin(): void {
    const { pinSource } = this.#token;
    if (pinSource?.kind !== 'file') return;
    this.#endPinWatch ??= this.#options.watchFiles([pinSource.path], () => this.retry());
  }

  /** See `TokenProcesses.retry`. */
  retry(): void {
    this.#processes.retry();
  }

  /** See `TokenProcesses.logIn`. */
  async logIn(): Promise<void> {
    this.#processes.prepare();
    await this.#processes.logIn();
  }

  /** Ends the processes; calls that wait fail. */
  async close(): Promise<void> {
    this.#endPinWatch?.();
    await this.#processes.close();
  }
}

const nowInSeconds = (): number => Math.floor(Date.now() / 1_000);
