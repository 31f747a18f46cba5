import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../client.ts';
import { Daemon } from '../fixture/daemon.ts';
import { KmipdProcess } from '../fixture/kmipd.ts';
import { Random } from '../fuzz/random.ts';
import { findDifferences, type Known, resolveUnanswered, type Unanswered } from './history.ts';
import { findSerialOrderProblem, type Step, type World } from './serial.ts';
import {
  createSharedObjects,
  findLostReplacements,
  readWorld,
  type SharedObjects,
  SharedWriter,
  Ticks,
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

export interface KillReport {
  kills: number;
  /** Messages that were answered. */
  acknowledged: number;
  /** Messages in flight when the server was killed. */
  unanswered: number;
  objects: number;
  /** Messages on shared objects for which a serial order was found. */
  ordered: number;
  /** Tickets that were compared after a kill. */
  tickets: number;
  /** Kills of a daemon that had just started, and deleted what had expired. */
  killsAtStart: number;
  /** Those messages on shared objects that were in flight when the server was killed, by their effect. */
  interrupted: Record<'undone' | Step['kind'], number>;
  problems: string[];
}

/** Objects of earlier rounds that are checked after each kill; all of them are checked at the end. */
const revisited = 100;

/** Milliseconds after which a round kills the server even if too few messages were answered. */
const roundDeadline = 60_000;

/** Log lines of errors, and of a database whose state was not remembered. */
const alarm = /"level":"(error|fatal)"|no anchor/;

/** Returns the problems that SQLite finds in a database; none when it is intact. */
export function integrity(file: string): string[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const rows = database.prepare('pragma integrity_check').all() as { integrity_check: string }[];
    return rows.map((row) => row.integrity_check).filter((line) => line !== 'ok');
  } finally {
    database.close();
  }
}

/** The shared objects of a round, and their state at its start. */
interface Contest {
  readonly objects: SharedObjects;
  readonly before: World;
}

/** The writers of a round. */
interface Crew {
  /** Each changes objects of its own. */
  readonly writers: readonly Writer[];
  /** All change the same objects. */
  readonly sharers: readonly SharedWriter[];
  readonly tickets: TicketWriter;
}

/**
 * Kills a daemon repeatedly while clients write, and compares its objects after each restart with those it
 * had acknowledged: none may be lost, and the effects of a message without an answer must be there completely
 * or not at all. For the objects that many connections change at once, a serial order of the messages must
 * lead to their state. `kmipd verify` must find every row as it was written, and no daemon may log an error.
 */
export async function killRepeatedly(options: KillOptions): Promise<KillReport> {
  const { store } = options;
  const server = await Daemon.prepare(store === undefined ? {} : { store });
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
  readonly report: KillReport = {
    kills: 0,
    acknowledged: 0,
    unanswered: 0,
    objects: 0,
    ordered: 0,
    tickets: 0,
    killsAtStart: 0,
    interrupted: { undone: 0, cell: 0, chain: 0, spend: 0, refused: 0 },
    problems: [],
  };
  readonly #server: Daemon;
  readonly #options: KillOptions;
  readonly #random: Random;
  /** All objects of the rounds so far. */
  readonly #objects: Known[] = [];

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
    const crew = this.#createCrew(round, contest);
    await this.#writeUntilKilled(round, crew);
    this.report.kills = round;
    await this.#options.settled?.();
    if (round % 4 === 2) await this.#killAtStart();
    await this.#server.start();
    const client = await this.#server.connect();
    await Promise.all([
      this.#verify(),
      this.#checkOwnObjects(client, crew.writers),
      this.#checkSharedObjects(round, client, contest, crew.sharers),
    ]);
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

  /** Checks all objects, and that the last daemon ends by itself. */
  async checkEnd(): Promise<void> {
    const client = await this.#server.connect();
    this.#addProblems(await findDifferences(client, this.#objects));
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

  #createCrew(round: number, { objects }: Contest): Crew {
    const { seed, writers = 8, sharers = 6 } = this.#options;
    const ticks = new Ticks();
    return {
      writers: Array.from(
        { length: writers },
        (_, at) => new Writer(`r${round}w${at}`, new Random(seed, round, at)),
      ),
      sharers: Array.from(
        { length: sharers },
        (_, at) => new SharedWriter(at, objects, new Random(seed, round, 1_000 + at), ticks),
      ),
      tickets: new TicketWriter(new Random(seed, round, 2_000)),
    };
  }

  async #writeUntilKilled(round: number, { writers, sharers, tickets }: Crew): Promise<void> {
    const all = [...writers, ...sharers, tickets];
    let isKilled = false;
    const work = Promise.allSettled(all.map((writer) => write(this.#server, writer, () => isKilled)));
    // Counted in answers, not in time, so that a slow machine kills in the middle of writes too.
    const enough = this.#random.below(300);
    const deadline = performance.now() + roundDeadline;
    while (acknowledgedBy(all) < enough && performance.now() < deadline) await sleep(1);
    await sleep(this.#random.below(5));
    isKilled = true;
    await this.#server.end('SIGKILL');
    for (const outcome of await work) {
      if (outcome.status === 'rejected') this.#addProblems([`round ${round}: ${String(outcome.reason)}`]);
    }
  }

  async #checkOwnObjects(client: Client, writers: readonly Writer[]): Promise<void> {
    const unanswered = writers.flatMap((writer): Unanswered[] => [
      ...(writer.unanswered === undefined ? [] : [writer.unanswered]),
      ...writer.undone,
    ]);
    const acknowledged = writers.flatMap((writer) => writer.objects);
    const found: Known[] = [];
    this.#addProblems(await resolveUnanswered(client, unanswered, found));
    const earlier =
      this.#objects.length === 0
        ? []
        : Array.from({ length: revisited }, () => this.#random.pick(this.#objects));
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

  #count({ writers, sharers, tickets }: Crew): void {
    const { report } = this;
    const messages = sharers.flatMap((writer) => writer.messages);
    const interrupted = messages.filter(({ ended }) => ended === undefined);
    report.ordered += messages.length;
    for (const { steps, undone } of interrupted) {
      if (undone) report.interrupted.undone++;
      else for (const { kind } of steps) report.interrupted[kind]++;
    }
    report.acknowledged += acknowledgedBy([...writers, ...sharers, tickets]);
    report.tickets += tickets.kept.length + tickets.ended.length;
    report.unanswered +=
      writers.filter((writer) => writer.unanswered !== undefined).length + interrupted.length;
    report.objects = this.#objects.length;
  }
}

const acknowledgedBy = (writers: readonly { readonly acknowledged: number }[]): number =>
  writers.reduce((sum, { acknowledged }) => sum + acknowledged, 0);

/** Runs a writer until the server is killed, which may be before the writer has connected. */
async function write(server: Daemon, writer: Pick<Writer, 'run'>, isKilled: () => boolean): Promise<void> {
  let client: Client;
  try {
    client = await server.connect();
  } catch (error) {
    if (!isKilled()) throw error;
    return;
  }
  await writer.run(client);
}
