import type { RootSource } from './roots/root.ts';

/** Calls back every so many seconds, and when the root of a source has come. Keeps no process alive. */
export class VaultWatch {
  readonly #seconds: number;
  readonly #refresh: () => Promise<void>;
  #timer: NodeJS.Timeout | undefined;
  #endSources: () => void = () => {};

  /** `seconds` 0: never. */
  constructor(seconds: number, refresh: () => Promise<void>) {
    this.#seconds = seconds;
    this.#refresh = refresh;
  }

  start(): void {
    if (this.#seconds === 0) return;
    this.#timer ??= setInterval(() => this.#refresh().catch(() => {}), this.#seconds * 1000).unref();
  }

  /** Watches these sources in place of those before. */
  watchSources(sources: readonly RootSource[], arrived: () => Promise<void>): void {
    this.#endSources();
    if (this.#seconds === 0) return;
    const retry = () => void arrived().catch(() => {});
    const endings = sources.map((source) => source.watch?.(retry));
    this.#endSources = () => {
      for (const end of endings) end?.();
    };
    // One may have come between the attempt before and the first look.
    retry();
  }

  endSources(): void {
    this.#endSources();
    this.#endSources = () => {};
  }

  end(): void {
    clearInterval(this.#timer);
    this.endSources();
  }
}
