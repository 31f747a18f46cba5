import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { encodeFrame, type Frame, FrameReader, type VerbName } from './frames.ts';
import { decodeFailure } from './messages.ts';

/** Places of the sockets among the child's descriptors; `process/main.ts` has the same. */
const channel = 3;
const lifeline = 4;

/** How long the child may take for closing its session. */
const closeMilliseconds = 2_000;

/** `TOKEN_PROCESS_ENDED`: the process has ended or was killed; the message says why in one line. */
export class ProcessEndedError extends Error {
  override readonly name = 'ProcessEndedError';
  readonly code = 'TOKEN_PROCESS_ENDED';
}

interface Pending {
  readonly verb: VerbName;
  readonly request: number;
  readonly answer: PromiseWithResolvers<Uint8Array>;
}

/**
 * One process of the token, seen from the daemon. It is spawned, never forked: it inherits no memory, no
 * descriptor but its two sockets, and no environment but what is given here. Answers one request at a time.
 */
export class TokenProcess {
  readonly #child: ChildProcess;
  /** Undefined when it could not be started. */
  readonly #channel: Socket | undefined;
  /** Carries nothing; its end tells the child that the daemon is gone. */
  readonly #lifeline: Socket | undefined;
  readonly #reader = new FrameReader();
  readonly #end = Promise.withResolvers<string>();
  #reason: string | undefined;
  #pending: Pending | undefined;
  #requests = 0;

  /**
   * `showsOutput`: whether what the library writes to standard error is seen.
   * @throws {ProcessEndedError} when the daemon has no descriptors left, or the system starts no process.
   */
  constructor(environment: NodeJS.ProcessEnv, showsOutput = false) {
    this.#child = spawnChild(environment, showsOutput);
    // Before anything that may throw: an error without a listener would end the daemon.
    this.#child.on('error', (error) => this.kill(`its process cannot be started: ${error.message}`));
    this.#child.on('exit', (code, signal) =>
      this.kill(`its process ended with ${signal ?? `exit code ${code}`}`),
    );
    this.#channel = this.#socketAt(channel);
    this.#lifeline = this.#socketAt(lifeline);
    // Without descriptors, Node makes no sockets, and emits the error later.
    if (this.#channel === undefined || this.#lifeline === undefined)
      throw new ProcessEndedError('its process cannot be started: too many open files');
    // A child that ends closes its sockets; `exit` says more about it.
    for (const socket of [this.#channel, this.#lifeline]) socket.on('error', () => {});
    this.#channel.on('data', (piece: Uint8Array) => this.#receive(piece));
  }

  #socketAt(descriptor: number): Socket | undefined {
    return (this.#child.stdio?.[descriptor] ?? undefined) as Socket | undefined;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Whether it has ended or was killed. */
  get hasEnded(): boolean {
    return this.#reason !== undefined;
  }

  /** Resolves to the reason once the process has ended or was killed. */
  get ended(): Promise<string> {
    return this.#end.promise;
  }

  /**
   * Sends a request and resolves to the body of its answer, which the caller may overwrite. A process that
   * does not answer within the time is killed.
   *
   * @throws {FrameError} when the body is too long.
   * @throws {ProcessEndedError} when it ends before it answers.
   * @throws {TokenFailure} when it answers that it cannot.
   */
  async request(verb: VerbName, body: Uint8Array, milliseconds: number): Promise<Uint8Array> {
    if (this.#pending !== undefined) throw new Error('the process of the token has a request already');
    if (this.#reason !== undefined) throw new ProcessEndedError(this.#reason);
    const frame = encodeFrame({ verb, request: this.#requests + 1, body });
    this.#requests += 1;
    const pending = { verb, request: this.#requests, answer: Promise.withResolvers<Uint8Array>() };
    this.#pending = pending;
    const timer = setTimeout(
      () => this.kill(`it did not answer the request ${verb} within ${milliseconds / 1_000} s`),
      milliseconds,
    );
    try {
      this.#channel?.write(frame);
      return await pending.answer.promise;
    } finally {
      clearTimeout(timer);
      frame.fill(0);
    }
  }

  #receive(piece: Uint8Array): void {
    try {
      for (const frame of this.#reader.push(piece)) this.#accept(frame);
    } catch {
      this.kill('its process has sent something that is no answer');
    }
  }

  #accept({ verb, request, body }: Frame): void {
    const pending = this.#pending;
    const isAnswer =
      pending !== undefined && request === pending.request && [pending.verb, 'failure'].includes(verb);
    if (!isAnswer) throw new Error('no such request');
    // Throws before the request is settled when the failure cannot be decoded.
    const failure = verb === 'failure' ? decodeFailure(body) : undefined;
    this.#pending = undefined;
    if (failure === undefined) pending.answer.resolve(body);
    else pending.answer.reject(failure);
  }

  /**
   * Kills the process. Nothing waits for its end, which a driver in the kernel may delay for ever.
   * `reason`: one line; the first one counts.
   */
  kill(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#child.kill('SIGKILL');
    this.#channel?.destroy();
    this.#lifeline?.destroy();
    this.#reader.wipe();
    this.#pending?.answer.reject(new ProcessEndedError(reason));
    this.#pending = undefined;
    this.#end.resolve(reason);
  }

  /** Lets the process end its session; kills it when that takes longer than 2 s. */
  async close(): Promise<void> {
    if (this.#reason !== undefined) return;
    const timer = setTimeout(() => this.kill('it was closed'), closeMilliseconds);
    this.#channel?.end();
    await this.ended;
    clearTimeout(timer);
  }
}

/** @throws {ProcessEndedError} for what Node throws at once; the rest is emitted. */
function spawnChild(environment: NodeJS.ProcessEnv, showsOutput: boolean): ChildProcess {
  const program = fileURLToPath(new URL('./process/main.ts', import.meta.url));
  try {
    return spawn(process.execPath, ['--disable-sigusr1', program], {
      cwd: '/',
      env: environment,
      // A session of its own: Ctrl-C in a terminal reaches the daemon alone, which still needs the token.
      detached: true,
      stdio: ['ignore', 'ignore', showsOutput ? 'inherit' : 'ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    throw new ProcessEndedError(`its process cannot be started: ${(error as Error).message}`);
  }
}
