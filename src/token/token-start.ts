import { setTimeout as sleep } from 'node:timers/promises';
import { decodeTokenDescription, decodeTokenKey } from './answers.ts';
import type { LoginClaim, LoginJournal } from './login-journal.ts';
import {
  encodeJson,
  type HelloRequest,
  type KeyRequest,
  type TokenDescription,
  TokenFailure,
  type TokenKeyDescription,
  type TokenLoginRequest,
  type TokenMode,
} from './messages.ts';
import { ProcessEndedError, TokenProcess } from './token-process.ts';
import type { TokenUri } from './token-uri.ts';

/** What starts a process of the token and opens the key. */
export interface TokenSettings {
  readonly uri: TokenUri;
  /** Has the values of the variables that the URI names, and $CREDENTIALS_DIRECTORY. */
  readonly environment: NodeJS.ProcessEnv;
  readonly pinFile: string | undefined;
  readonly journal: LoginJournal;
  readonly loginCommand?: string;
  readonly mode: TokenMode;
  /** Bounds each step: loading the library, the login, finding or making the key. */
  readonly startMilliseconds: number;
  readonly showsLibraryOutput: boolean;
}

/**
 * Starts a process with those variables of the environment that the URI names, and no other.
 * @throws {ProcessEndedError} when the daemon has no descriptors left.
 */
export function spawnTokenProcess({ uri, environment, showsLibraryOutput }: TokenSettings): TokenProcess {
  const passed = uri.environment.flatMap((name) => {
    const value = environment[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return new TokenProcess(Object.fromEntries(passed), showsLibraryOutput);
}

/**
 * Loads the library and finds the token.
 * @throws {TokenFailure} or {ProcessEndedError} when that fails.
 */
export async function findToken(
  process: TokenProcess,
  { uri, startMilliseconds }: TokenSettings,
): Promise<TokenDescription> {
  const { modulePath, token, manufacturer, model, serial, slotId } = uri;
  const hello: HelloRequest = { modulePath, token, manufacturer, model, serial, slotId };
  return decodeTokenDescription(await process.request('hello', encodeJson(hello), startMilliseconds));
}

/**
 * Opens a session and logs in, at most once, and while nobody else of the home tries a login: a wrong PIN
 * would cost an attempt in each process. The journal notes the attempt before it is made, because a library
 * may crash or hang after the token has counted a failure.
 *
 * @throws {TokenFailure} of kind `refused` when an operator must ask for the next login; the journal has it.
 * @throws {ProcessEndedError} when the process ends meanwhile.
 */
export async function logIn(
  process: TokenProcess,
  settings: TokenSettings,
  mayLockPin: boolean,
): Promise<void> {
  const claim = await claimLogin(process, settings);
  try {
    await tryLogin(process, settings, mayLockPin);
  } finally {
    claim.release();
  }
}

const lookMilliseconds = 100;

async function claimLogin(
  process: TokenProcess,
  { journal, startMilliseconds }: TokenSettings,
): Promise<LoginClaim> {
  const end = performance.now() + startMilliseconds;
  while (!process.hasEnded) {
    const claim = journal.claim();
    if (claim !== undefined) return claim;
    if (performance.now() > end)
      throw new TokenFailure('token', 'another login at the token has not ended in time');
    await sleep(lookMilliseconds);
  }
  // A note of a login that was never sent would let a later start take it for one without an answer.
  throw new ProcessEndedError(await process.ended);
}

async function tryLogin(
  process: TokenProcess,
  { journal, pinFile, uri, mode, startMilliseconds }: TokenSettings,
  mayLockPin: boolean,
): Promise<void> {
  const last = journal.read();
  if (last.state === 'refused' && !mayLockPin) throw new TokenFailure('refused', last.reason);
  const request: TokenLoginRequest = {
    pinFile,
    mustBePrivate: uri.pinSource?.kind === 'file',
    isOutcomeUnknown: last.state === 'unknown',
    mayLockPin,
    isReadWrite: mode === 'create' || mode === 'objects',
  };
  if (pinFile !== undefined) journal.begin();
  try {
    await process.request('login', encodeJson(request), startMilliseconds);
  } catch (error) {
    if (error instanceof TokenFailure && error.kind === 'refused') noteRefusal(journal, error.message);
    // Any other answer says that the token has counted nothing.
    else if (error instanceof TokenFailure && pinFile !== undefined) journal.cancel();
    throw error;
  }
  if (pinFile !== undefined) journal.forget();
}

/**
 * Notes that the token has refused a login. A note of an earlier refusal stays. When none can be written,
 * that of the attempt stands, which lets no login be tried while the token counts a failure.
 */
export function noteRefusal(journal: LoginJournal, reason: string): void {
  try {
    if (journal.read().state !== 'refused') journal.refuse(reason);
  } catch {
    // The refusal itself is what the operator must hear of.
  }
}

/**
 * Finds the key of the URI, or makes it; undefined in the mode `objects`.
 *
 * @throws {TokenFailure} when there is no such key, or kmipd cannot use it.
 */
export async function openTokenKey(
  process: TokenProcess,
  { uri, mode, startMilliseconds }: TokenSettings,
): Promise<TokenKeyDescription | undefined> {
  if (mode === 'objects') return undefined;
  const { object, id, type } = uri;
  const request: KeyRequest = { mode, object, id: id?.toHex(), type };
  return decodeTokenKey(await process.request('key', encodeJson(request), startMilliseconds));
}
