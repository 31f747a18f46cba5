import type { Lanes } from './lanes/lanes.ts';
import type { SqlDriver } from './sql-driver.ts';

/** A database engine whose transactions end with the lanes of its connections. */
export interface LaneDriver extends SqlDriver {
  readonly lanes: Lanes;
}
