import { wayOut } from '../store/lanes/lane-stop.ts';
import type { ForgedRow } from '../vault/vault.ts';
import type { Logger } from '../watch/log.ts';
import type { Metrics } from '../watch/metrics.ts';
import { RepeatedLines } from '../watch/repeated-lines.ts';

/** Alarms the operator of rows that do not open: counts each, and logs each row at error once a minute. */
export function reportForgedRows(
  log: Logger,
  metrics: Pick<Metrics, 'forgedRow'>,
  clock: () => number,
): (row: ForgedRow) => void {
  const lines = new RepeatedLines(clock);
  return ({ table, id, problem }) => {
    metrics.forgedRow(table);
    if (lines.take(`${table}\n${id}\n${problem}`) === undefined) return;
    if (problem !== undefined)
      log.error(
        { table, row: id, reason: problem },
        `rows that kmipd has not written so are not served; ${wayOut}`,
      );
    else log.error({ table, row: id }, 'a row of the database was altered outside kmipd and is not served');
  };
}
