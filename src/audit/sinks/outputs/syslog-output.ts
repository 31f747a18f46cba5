import { once } from 'node:events';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { formatAddress } from '../../../common/address.ts';
import type { SyslogAddress, SyslogSinkSettings } from '../../../common/audit-sink-settings.ts';
import { concatBytes } from '../../../common/bytes.ts';
import type { SinkEvent } from '../formats/event.ts';
import {
  formatSyslogMessage,
  frameByLength,
  frameByLineFeed,
  type SyslogSender,
} from '../formats/syslog-message.ts';
import { connectionFailure } from './connection-failure.ts';
import { readSecureContext } from './credential-files.ts';
import { SinkDeliveryError, type SinkOutput } from './output.ts';

const keepAliveMilliseconds = 30_000;
const endMilliseconds = 10_000;

/**
 * How far back messages may be lost. A server that closes a connection in good order has read what had
 * arrived; a broken connection loses what was not acknowledged, and TCP takes a quarter of an hour to give
 * up.
 */
const atRiskMilliseconds = { closed: 10_000, broken: 1_200_000 };

/**
 * Milliseconds for which a new connection must stay open after its first messages. A server that refuses the
 * certificate of a client (TLS 1.3), or has no place for a connection, closes it then.
 */
const defaultSettleMilliseconds = 1_000;

/**
 * Sends events to a syslog server: RFC 5424 messages over a stream, by TLS (RFC 5425), TCP (RFC 6587) or a
 * Unix socket. Nothing in these protocols confirms a message: a connection that breaks has lost what the
 * server had not read.
 */
export class SyslogOutput implements SinkOutput {
  readonly #settings: SyslogSinkSettings;
  readonly #format: (event: SinkEvent) => string;
  readonly #sender: SyslogSender;
  readonly #settleMilliseconds: number;
  #sequence = 0;
  #lost: (milliseconds: number) => void = () => {};
  #mustReopen = false;
  #connection: SyslogConnection | undefined;

  /** `format` returns the body of a message, one line. */
  constructor(
    settings: SyslogSinkSettings,
    format: (event: SinkEvent) => string,
    sender: Omit<SyslogSender, 'facility'>,
    settleMilliseconds = defaultSettleMilliseconds,
  ) {
    this.#settings = settings;
    this.#format = format;
    this.#sender = { ...sender, facility: settings.facility };
    this.#settleMilliseconds = settleMilliseconds;
  }

  /**
   * Resolves when the system has taken the messages over; the first ones of a connection must be followed by
   * some time in which the server does not close it.
   */
  async send(events: readonly SinkEvent[], signal: AbortSignal): Promise<void> {
    const frame = this.#settings.address.transport === 'unix' ? frameByLineFeed : frameByLength;
    const frames = events.map((event, at) =>
      frame(formatSyslogMessage(event, this.#format(event), this.#sequence + at, this.#sender)),
    );
    if (this.#mustReopen) this.#connection?.end();
    this.#mustReopen = false;
    const open = this.#connection?.isOpen ? this.#connection : undefined;
    const connection =
      open ?? new SyslogConnection(this.#settings, (milliseconds) => this.#lost(milliseconds));
    this.#connection = connection;
    try {
      await connection.opened(signal);
      await connection.write(concatBytes(frames), signal);
      if (open === undefined) await connection.settle(this.#settleMilliseconds, signal);
      connection.hasDelivered = true;
      this.#sequence += events.length;
    } catch (error) {
      connection.destroy();
      throw error;
    }
  }

  watchLoss(lost: (milliseconds: number) => void): void {
    this.#lost = lost;
  }

  /** An attempt that is under way goes on. */
  reopen(): void {
    this.#mustReopen = true;
  }

  async close(signal: AbortSignal): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.end();
    await connection?.closed(signal);
  }
}

/** One connection to a server. */
class SyslogConnection {
  readonly #peer: string;
  readonly #socket: Socket;
  readonly #opened: Promise<void>;
  /**
   * Those who wait for the connection, until it ends. A promise that lives as long as the connection would
   * keep every wait in memory.
   */
  readonly #waiting = new Set<(failure: SinkDeliveryError) => void>();
  /** Error of the connection, or that it was closed. */
  #failure: SinkDeliveryError | undefined;
  #isEnding = false;
  isOpen = true;
  /** Whether an attempt over this connection has succeeded. */
  hasDelivered = false;

  /**
   * `lost` is called when the connection ends after that, unless this side has ended it and the server has
   * then read everything and ended its own.
   * @throws {SinkDeliveryError} when certificate or key cannot be used
   */
  constructor(settings: SyslogSinkSettings, lost: (milliseconds: number) => void) {
    const { address } = settings;
    this.#peer = describe(address);
    this.#socket = openSocket(settings);
    this.#socket.setNoDelay(true).setKeepAlive(true, keepAliveMilliseconds);
    this.#opened = new Promise((resolve) => {
      this.#socket.once(address.transport === 'tls' ? 'secureConnect' : 'connect', resolve);
    });
    let failure: SinkDeliveryError | undefined;
    this.#socket.on('error', (error) => (failure = connectionFailure(this.#peer, error)));
    this.#socket.on('close', () => {
      const isOrderly = failure === undefined && this.#socket.readableEnded;
      const milliseconds = isOrderly ? atRiskMilliseconds.closed : atRiskMilliseconds.broken;
      if (this.hasDelivered && !(isOrderly && this.#isEnding)) lost(milliseconds);
      this.isOpen = false;
      this.#failure = failure ?? new SinkDeliveryError(`${this.#peer}: the server has closed the connection`);
      for (const end of this.#waiting) end(this.#failure);
    });
    // Servers say nothing; a byte that is not read would hide the end of the connection.
    this.#socket.resume();
    this.#socket.on('end', () => this.#socket.destroy());
  }

  opened(signal: AbortSignal): Promise<void> {
    return this.#unlessEnded(this.#opened, signal, 'the server does not answer');
  }

  write(bytes: Uint8Array, signal: AbortSignal): Promise<void> {
    const written = new Promise<void>((resolve) => {
      // An error of the write is that of the connection.
      this.#socket.write(bytes, (error) => {
        if (!error) resolve();
      });
    });
    return this.#unlessEnded(written, signal);
  }

  async settle(milliseconds: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    try {
      await this.#unlessEnded(promise, signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends what is written, then the end of the connection; the server has some seconds to end its side. */
  end(): void {
    this.isOpen = false;
    this.#isEnding = true;
    this.#socket.end();
    const timer = setTimeout(() => this.#socket.destroy(), endMilliseconds).unref();
    this.#socket.once('close', () => clearTimeout(timer));
  }

  destroy(): void {
    this.isOpen = false;
    this.#socket.destroy();
  }

  /** Resolves when the server has closed its side, by which it says that it has read everything. */
  async closed(signal: AbortSignal): Promise<void> {
    await this.#unlessEnded(new Promise<void>(() => {}), signal).catch(() => {});
    this.#socket.destroy();
    if (!this.#socket.closed) await once(this.#socket, 'close');
  }

  /** @throws {SinkDeliveryError} when the connection ends before, or `signal` is aborted */
  async #unlessEnded(
    work: Promise<void>,
    signal: AbortSignal,
    problem = 'the server does not read',
  ): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    const { promise, reject } = Promise.withResolvers<never>();
    const abort = () => reject(new SinkDeliveryError(`${this.#peer}: ${problem}`));
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    this.#waiting.add(reject);
    try {
      await Promise.race([work, promise]);
    } finally {
      this.#waiting.delete(reject);
      signal.removeEventListener('abort', abort);
    }
  }
}

function openSocket({ address, ...files }: SyslogSinkSettings): Socket {
  if (address.transport === 'unix') return connectPlain({ path: address.path });
  const { host, port } = address;
  if (address.transport === 'tcp') return connectPlain({ host, port });
  return connectTls({
    ...{ host, port, rejectUnauthorized: true, secureContext: readSecureContext(files) },
    ...(isIP(host) === 0 && { servername: host }),
  });
}

const describe = (address: SyslogAddress): string =>
  address.transport === 'unix' ? address.path : formatAddress(address);
