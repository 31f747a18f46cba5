import type { StateDirectory } from '../cli/state-directory/state-directory.ts';
import type { Config } from '../config/index.ts';
import type { Logger } from '../watch/log.ts';
import type { Metrics } from '../watch/metrics.ts';

/** The values that every step of the start works with. */
export interface StartContext {
  readonly stateDirectory: StateDirectory;
  /** The configuration at the start, with the overrides of the command line. */
  readonly config: Config;
  /** Whether a missing database is an error: false when the command line names one that was never used. */
  readonly mustStoreExist: boolean;
  /** Whether the operator says that a database of the first design is meant to be there. */
  readonly isConversionConfirmed: boolean;
  readonly log: Logger;
  readonly metrics: Metrics;
  /** Each step registers here how to close the resources it has opened; they are closed in reverse order. */
  readonly closing: AsyncDisposableStack;
}
