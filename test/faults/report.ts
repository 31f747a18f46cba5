import type { Step } from './serial.ts';

/** How often an act of maintenance has run. */
export interface ActCounts {
  /** Begun. */
  ran: number;
  acknowledged: number;
  /** Not acknowledged, because the server or the act was killed. */
  cutOff: number;
  /** Those cut off of which a part is in the database. */
  partly: number;
}

export interface KillReport {
  kills: number;
  /** Messages that were answered. */
  acknowledged: number;
  /** Messages in flight when the server was killed. */
  unanswered: number;
  objects: number;
  /** Objects of which a purge has left a tombstone. */
  purged: number;
  /** Messages on shared objects for which a serial order was found. */
  ordered: number;
  /** Those that were refused because others won against them for too long. */
  overtaken: number;
  /** Tickets that were compared after a kill. */
  tickets: number;
  /** Answered messages that the audit log was searched for after a kill. */
  recorded: number;
  /** Kills of a daemon that had just started, and deleted what had expired. */
  killsAtStart: number;
  /** Those messages on shared objects that were in flight when the server was killed, by their effect. */
  interrupted: Record<'undone' | Step['kind'], number>;
  /** By the name of the act. */
  acts: ReadonlyMap<string, ActCounts>;
  problems: string[];
}

export function newReport(acts: readonly string[]): KillReport {
  return {
    kills: 0,
    acknowledged: 0,
    unanswered: 0,
    objects: 0,
    purged: 0,
    ordered: 0,
    overtaken: 0,
    tickets: 0,
    recorded: 0,
    killsAtStart: 0,
    interrupted: { undone: 0, cell: 0, chain: 0, spend: 0, refused: 0 },
    acts: new Map(acts.map((name) => [name, { ran: 0, acknowledged: 0, cutOff: 0, partly: 0 }])),
    problems: [],
  };
}

export interface MigrationReport {
  kills: number;
  /** Steps of a conversion that nobody kills. */
  steps: number;
  /** Databases that were converted in the end and compared. */
  converted: number;
  /** Kills of a conversion that others had begun. */
  resumed: number;
  problems: string[];
}

/** Returns the lines of a report, after its problems. */
export function describeReport(report: KillReport, seed: number, seconds: number): string[] {
  const { undone, chain, cell, spend } = report.interrupted;
  const acts = [...report.acts].map(
    ([name, { ran, acknowledged, cutOff, partly }]) =>
      `${name} ${ran} (${acknowledged} acknowledged, ${cutOff} cut off, ${partly} of them done in part)`,
  );
  return [
    ...report.problems,
    `seed ${seed}: ${report.kills} kills in ${seconds.toFixed(0)} s, ${report.acknowledged} messages acknowledged, ` +
      `${report.unanswered} cut off, ${report.objects} objects checked, ${report.purged} of them purged, ` +
      `${report.ordered} messages on shared objects in a serial order (${report.overtaken} refused as overtaken), ${report.tickets} tickets, ${report.recorded} messages in the audit log, ` +
      `${report.killsAtStart} further kills at the start, ${report.problems.length} problems`,
    `cut off among the shared ones: ${undone} batches to be undone, ${chain} Re-keys, ${cell} Imports that replace, ${spend} uses of limited keys`,
    `maintenance: ${acts.join(', ')}`,
  ];
}

/** Returns the lines of a report on conversions, after its problems. */
export function describeMigration(report: MigrationReport, seed: number, seconds: number): string[] {
  const { kills, steps, converted, resumed, problems } = report;
  return [
    ...problems,
    `seed ${seed}: ${kills} kills in ${seconds.toFixed(0)} s at steps of 1 to ${steps}, ${resumed} of them in conversions that had ` +
      `been killed before, ${converted} databases converted and compared, ${problems.length} problems`,
  ];
}
