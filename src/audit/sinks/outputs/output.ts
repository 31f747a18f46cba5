import type { SinkEvent } from '../formats/event.ts';

/** Where the events of a sink go. One attempt runs at a time. */
export interface SinkOutput {
  /**
   * Delivers events in their order and resolves once the other side has them, as far as its protocol tells.
   * An attempt that was not seen to succeed is repeated, so some events may arrive twice.
   * @throws {SinkDeliveryError} or another error when the events were not delivered; also soon after `signal`
   */
  send(events: readonly SinkEvent[], signal: AbortSignal): Promise<void>;
  /**
   * Sets what is called when a connection has ended whose protocol confirms nothing: events that were sent
   * successfully in the last milliseconds may be lost.
   */
  watchLoss(lost: (milliseconds: number) => void): void;
  /** Opens files, certificates and connections anew before the next attempt. */
  reopen(): void;
  /** Ends connections; resolves when the other side has ended them as well, and soon after `signal`. */
  close(signal: AbortSignal): Promise<void>;
}

/** Events were not delivered. The message is one line for the operator: what failed and what to do. */
export class SinkDeliveryError extends Error {
  override readonly name = 'SinkDeliveryError';
  readonly code = 'SINK_DELIVERY';
  /** Milliseconds to wait before the next attempt, where the other side has asked for a delay. */
  readonly retryMilliseconds: number | undefined;
  /** Whether fewer events at once may be taken. */
  readonly isBatchRefused: boolean;

  constructor(
    message: string,
    { retryMilliseconds, isBatchRefused = false, cause }: SinkDeliveryErrorOptions = {},
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.retryMilliseconds = retryMilliseconds;
    this.isBatchRefused = isBatchRefused;
  }
}

interface SinkDeliveryErrorOptions {
  readonly retryMilliseconds?: number | undefined;
  readonly isBatchRefused?: boolean;
  readonly cause?: unknown;
}
