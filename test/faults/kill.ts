import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../client.ts';
import { Daemon } from '../fixture/daemon.ts';
import { KmipdProcess } from '../fixture/kmipd.ts';
import { Random } from '../fuzz/random.ts';
import { AuditedWriter, findUnrecorded } from './audited.ts';
import { readSqlite } from './database.ts';
import { findDifferences, type Known, resolveUnanswered, type Unanswered } from './history.ts';
import { maintenanceActs } from './maintenance.ts';
import type { Round } from './maintenance-act.ts';
import { type KillReport, newReport } from './report.ts';
import { RoundMaintenance } from './round-maintenance.ts';
import { acknowledgedBy, write } from './run-writer.ts';
import { findSerialOrderProblem, Ticks, type World } from './serial.ts';
import {
  createSharedObjects,
  findLostReplacements,
  readWorld,
  type SharedObjects,
  SharedWriter,
} from './shared.ts';
import { findTicketProblems, TicketWriter } from './tickets.ts';
import { Writer } from './writer.ts';

export interface KillOptions {
  readonly kills: number;
  readonly seed: number;
  /** Connections that change objects of their own. */
  readonly writers?: number;
  /** Connections that all change the same objects. */
  readonly sharers?: number;
  /** URL of the database; SQLite in the state directory when absent. */
  readonly store?: string;
  /** Resolves when the database has completed the requests of the killed daemon. */
  settled?(): Promise<void>;
  progress?(report: KillReport): void;
}

/** Objects of earlier rounds that are checked after each kill; all of them are checked at the end. */
const revisited = 100;

/** Connections of a round whose messages are looked for in the audit log. */
const auditedWriters = 3;

/** Milliseconds after which a round kills the server even if too few messages were answered. */
const roundDeadline = 60_000;

/** Log lines of errors, of a database whose state was not remembered, and of a verification that failed. */
const alarm = /"level":"(error|fatal)"|no anchor|rows could not be verified/;

/** Returns the problems that SQLite finds in a database; none when it is intact. */
export function integrity(file: string): string[] {
  const rows = readSqlite(file, 'pragma integrity_check');
  return rows.map((row) => String(row.integrity_check)).filter((line) => line !== 'ok');
}

/** The shared objects of a round, and their state at its start. */
interface Contest {
  readonly objects: SharedObjects;
  readonly before: World;
}

/** The writers of a round, and what is done beside them. */
interface Crew {
  readonly maintenance: RoundMaintenance;
  /** Each changes objects of its own. */
  readonly writers: readonly Writer[];
  /** All change the same objects. */
  readonly sharers: readonly SharedWriter[];
  readonly tickets: TicketWriter;
  /** Their messages must be in the audit log. */
  readonly audited: readonly AuditedWriter[];
  /** When they began: milliseconds since 1970. */
  readonly since: number;
}

/** Milliseconds within which the server is killed after enough answers, or after the end of an act. */
const shortDelay = 5;

/**
 * Kills a daemon repeatedly while clients write and the database is maintained, and compares its objects
 * after each restart with those it had acknowledged: none may be lost, and the effects of a message without
 * an answer must be there completely or not at all. A destroyed object may be purged, and must be when a
 * purge after its destruction was acknowledged. For the objects that many connections change at once, a
 * serial order of the messages must lead to their state. `kmipd verify` must find every row as it was
 * written, and no daemon may log an error.
 */
export async function killRepeatedly(options: KillOptions): Promise<KillReport> {
  const { store } = options;
  const server = await Daemon.prepare({
    preload: join(import.meta.dirname, 'fast-maintenance.ts'),
    config: 'verificationHours = 1\nvault.activationSeconds = 0\n',
    ...(store !== undefined && { store }),
  });
  try {
    await server.start();
    const campaign = new KillCampaign(server, options);
    const { report } = campaign;
    while (report.kills < options.kills && report.problems.length === 0) {
      await campaign.playRound(report.kills + 1);
      options.progress?.(report);
    }
    await campaign.checkEnd();
    return report;
  } finally {
    await server.remove();
  }
}

class KillCampaign {
  readonly report: KillReport = newReport(maintenanceActs.map(({ name }) => name));
  readonly #server: Daemon;
  readonly #options: KillOptions;
  readonly #random: Random;
  /** All objects of the rounds so far. */
  readonly #objects: Known[] = [];
  /** Whether the server of this round was, or is being, killed. */
  #isKilled = false;

  constructor(server: Daemon, options: KillOptions) {
    this.#server = server;
    this.#options = options;
    this.#random = new Random(options.seed);
  }

  /**
   * Lets clients write, kills and restarts the server, and checks every object that the round has changed.
   */
  async playRound(round: number): Promise<void> {
    const contest = await this.#prepareContest(round);
    const crew = await this.#createCrew(round, contest);
    const { maintenance } = crew;
    await this.#writeUntilKilled(round, crew);
    this.report.kills = round;
    // A command that has found no daemon may still work when the next one starts.
    const isOverlapping = this.#options.store === undefined && this.#random.chance(50);
    if (!isOverlapping) await maintenance.ended();
    await this.#options.settled?.();
    if (round % 4 === 2) await this.#killAtStart();
    await this.#server.start();
    await maintenance.ended();
    const client = await this.#server.connect();
    await Promise.all([
      this.#verify(),
      this.#checkAudit(crew),
      this.#checkOwnObjects(client, crew),
      this.#checkSharedObjects(round, client, contest, crew.sharers),
    ]);
    this.#addProblems(maintenance.problems);
    maintenance.countPartlyDone();
    this.#addProblems(await findTicketProblems(client, crew.tickets));
    this.#addProblems(this.#alarms());
    await client.close();
    this.#count(crew);
  }

  /** Verifies the database while the daemon serves it. */
  async #verify(): Promise<void> {
    const env = { ...process.env, KMIPD_DEBUG: '1' };
    const verify = new KmipdProcess(['verify', '--home', this.#server.home], { env });
    if ((await verify.exited()) !== 0) this.#addProblems([`verify: ${verify.combinedOutput}`]);
  }

  /** Looks for what was answered before the kill in the audit log. */
  async #checkAudit({ audited, since }: Crew): Promise<void> {
    const answered = audited.flatMap((writer) => writer.answered);
    this.#addProblems(await findUnrecorded(this.#server.home, answered, since));
    this.report.recorded += answered.length;
  }

  /** Kills a daemon that deletes expired records, as each does first. */
  async #killAtStart(): Promise<void> {
    await this.#server.start();
    await sleep(this.#random.below(5));
    await this.#server.end('SIGKILL');
    await this.#options.settled?.();
    this.report.killsAtStart++;
  }

  /** What daemons have logged that an operator would look into. */
  #alarms(): string[] {
    return this.#server.output.split('\n').filter((line) => alarm.test(line));
  }

  /** Does each act without a kill, checks all objects, and that the last daemon ends by itself. */
  async checkEnd(): Promise<void> {
    const client = await this.#server.connect();
    for (const act of maintenanceActs) {
      const scene = this.#createScene(`end ${act.name}`, [], () => false);
      const maintenance = new RoundMaintenance(scene, [act], this.report.acts);
      await maintenance.prepare(client);
      maintenance.start(act);
      await maintenance.ended();
      this.#addProblems(maintenance.problems);
      this.#objects.push(...scene.made);
    }
    this.#addProblems(await findDifferences(client, this.#objects));
    await this.#verify();
    this.#addProblems(this.#alarms());
    this.report.objects = this.#objects.length;
    this.report.purged = this.#objects.filter(({ purged }) => purged === 'yes').length;
    await client.close();
    const code = await this.#server.end();
    if (code !== 0) this.#addProblems([`the last daemon ended with ${code}`]);
    this.#addProblems(this.#damages());
  }

  #addProblems(problems: readonly string[]): void {
    this.report.problems.push(...problems);
  }

  #damages(): string[] {
    return this.#options.store === undefined ? integrity(this.#server.database) : [];
  }

  async #prepareContest(round: number): Promise<Contest> {
    const client = await this.#server.connect();
    const random = new Random(this.#options.seed, round, 999);
    const objects = await createSharedObjects(client, `r${round}`, random);
    const before = await readWorld(client, objects);
    await client.close();
    return { objects, before };
  }

  async #createCrew(round: number, { objects }: Contest): Promise<Crew> {
    const { seed, writers: writerCount = 8, sharers = 6 } = this.#options;
    const ticks = new Ticks();
    const writers = Array.from(
      { length: writerCount },
      (_, at) => new Writer(`r${round}w${at}`, new Random(seed, round, at)),
    );
    return {
      writers,
      sharers: Array.from(
        { length: sharers },
        (_, at) => new SharedWriter(at, objects, new Random(seed, round, 1_000 + at), ticks),
      ),
      tickets: new TicketWriter(new Random(seed, round, 2_000)),
      audited: Array.from(
        { length: auditedWriters },
        (_, at) => new AuditedWriter(`r${round}a${at}`, new Random(seed, round, 3_000 + at)),
      ),
      since: Date.now(),
      maintenance: await this.#prepareMaintenance(round, writers),
    };
  }

  /** Each round aims at an act in turn, or at none, and does some of the others. */
  async #prepareMaintenance(round: number, writers: readonly Writer[]): Promise<RoundMaintenance> {
    const aimed = maintenanceActs[(round - 1) % (maintenanceActs.length + 1)];
    const acts = maintenanceActs.filter((act) => act === aimed || this.#random.chance(25));
    const scene = this.#createScene(`r${round}`, writers, () => this.#isKilled);
    const maintenance = new RoundMaintenance(scene, acts, this.report.acts, aimed);
    const client = await this.#server.connect();
    await maintenance.prepare(client);
    await client.close();
    return maintenance;
  }

  #createScene(prefix: string, writers: readonly Writer[], isKilled: () => boolean): Round {
    const made: Known[] = [];
    return {
      server: this.#server,
      store: this.#options.store,
      random: this.#random,
      killsCommands: writers.length > 0 && this.#random.chance(30),
      prefix,
      made,
      objects: () => [...this.#objects, ...made, ...writers.flatMap((writer) => writer.objects)],
      isKilled,
      hasPurge: false,
    };
  }

  async #writeUntilKilled(round: number, crew: Crew): Promise<void> {
    const { writers, sharers, tickets, audited, maintenance } = crew;
    const all = [...writers, ...sharers, tickets, ...audited];
    this.#isKilled = false;
    const work = Promise.allSettled(all.map((writer) => write(this.#server, writer, () => this.#isKilled)));
    maintenance.startOthers();
    // Counted in answers, not in time, so that a slow machine kills in the middle of writes too.
    const enough = this.#random.below(300);
    const deadline = performance.now() + roundDeadline;
    while (acknowledgedBy(all) < enough && performance.now() < deadline) await sleep(1);
    const { aimed } = maintenance;
    // The first rounds kill within each act, the next ones as soon as each was acknowledged.
    const isAfterEnd = round % (2 * (maintenanceActs.length + 1)) > maintenanceActs.length + 1;
    if (aimed !== undefined) await (isAfterEnd ? maintenance.complete(aimed) : maintenance.start(aimed));
    await sleep(this.#random.below(isAfterEnd ? shortDelay : (aimed?.aim ?? shortDelay)));
    this.#isKilled = true;
    await this.#server.end('SIGKILL');
    for (const outcome of await work) {
      if (outcome.status === 'rejected') this.#addProblems([`round ${round}: ${String(outcome.reason)}`]);
    }
  }

  async #checkOwnObjects(client: Client, { writers, maintenance }: Crew): Promise<void> {
    const unanswered = writers.flatMap((writer): Unanswered[] => [
      ...(writer.unanswered === undefined ? [] : [writer.unanswered]),
      ...writer.undone,
    ]);
    const acknowledged = [...writers.flatMap((writer) => writer.objects), ...maintenance.scene.made];
    const found: Known[] = [];
    this.#addProblems(await resolveUnanswered(client, unanswered, found));
    const earlier =
      this.#objects.length === 0
        ? []
        : Array.from({ length: revisited }, () => this.#random.pick(this.#objects));
    const known = [...this.#objects, ...acknowledged];
    if (maintenance.scene.hasPurge)
      for (const object of known) if (object.purged === 'no') object.purged = 'maybe';
    this.#addProblems(await findDifferences(client, [...acknowledged, ...found, ...new Set(earlier)]));
    this.#addProblems(this.#damages());
    this.#objects.push(...acknowledged, ...found);
  }

  async #checkSharedObjects(
    round: number,
    client: Client,
    { objects, before }: Contest,
    sharers: readonly SharedWriter[],
  ): Promise<void> {
    const messages = sharers.flatMap((writer) => writer.messages);
    const order = findSerialOrderProblem(before, messages, await readWorld(client, objects));
    const problems = [
      ...sharers.flatMap((writer) => writer.problems),
      ...(order === undefined ? [] : [order]),
      ...(await findLostReplacements(client, objects, before, messages)),
    ];
    this.#addProblems(problems.map((problem) => `round ${round}: ${problem}`));
  }

  #count({ writers, sharers, tickets, audited }: Crew): void {
    const { report } = this;
    const messages = sharers.flatMap((writer) => writer.messages);
    const interrupted = messages.filter(({ ended }) => ended === undefined);
    report.ordered += messages.length;
    report.overtaken += sharers.reduce((sum, writer) => sum + writer.overtaken, 0);
    for (const { steps, undone } of interrupted) {
      if (undone) report.interrupted.undone++;
      else for (const { kind } of steps) report.interrupted[kind]++;
    }
    report.acknowledged += acknowledgedBy([...writers, ...sharers, tickets, ...audited]);
    report.tickets += tickets.kept.length + tickets.ended.length;
    report.unanswered +=
      writers.filter((writer) => writer.unanswered !== undefined).length + interrupted.length;
    report.objects = this.#objects.length;
  }
}
