import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../client.ts';
import { Random } from '../fuzz/random.ts';
import { compare, type Known, settle, type Unanswered } from './history.ts';
import { type Deed, explain, type Step, type World } from './serial.ts';
import { FaultyServer } from './server.ts';
import { followed, look, prepare, type Shared, SharedWriter, Ticks } from './shared.ts';
import { Writer } from './writer.ts';

export interface KillOptions {
  readonly kills: number;
  readonly seed: number;
  /** Connections that change objects of their own. */
  readonly writers?: number;
  /** Connections that all change the same objects. */
  readonly sharers?: number;
  /** URL of the database; SQLite in the home when left out. */
  readonly store?: string;
  /** Waits until the database has done what the dead daemon asked of it. */
  settled?(): Promise<void>;
  progress?(report: KillReport): void;
}

export interface KillReport {
  kills: number;
  /** Messages that were answered, and that were on the way when the server died. */
  acknowledged: number;
  unanswered: number;
  objects: number;
  /** Messages on shared objects that were brought into a serial order. */
  ordered: number;
  /** Of those, the ones that were on the way when the server died, by what they do. */
  interrupted: Record<'undone' | Step['kind'], number>;
  problems: string[];
}

/** Objects of earlier rounds that are looked at again after each kill; all of them are at the end. */
const revisited = 100;

/** What SQLite finds wrong with a database; nothing when it is well. */
export function integrity(file: string): string[] {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const rows = database.prepare('pragma integrity_check').all() as { integrity_check: string }[];
    return rows.map((row) => row.integrity_check).filter((word) => word !== 'ok');
  } finally {
    database.close();
  }
}

/** Lets one writer work until the server is gone, which may be before it has connected. */
async function write(
  server: FaultyServer,
  writer: Pick<Writer, 'run'>,
  killed: () => boolean,
): Promise<void> {
  let client: Client;
  try {
    client = await server.connect();
  } catch (error) {
    if (!killed()) throw error;
    return;
  }
  await writer.run(client);
}

/**
 * Kills a daemon again and again while clients write, and compares what it knows after each restart with what it had
 * acknowledged: nothing may be lost, and what was not acknowledged must be there wholly or not at all. For the objects that
 * many connections change at once, a serial order of the messages must lead to what there is.
 */
export async function killAgainAndAgain({
  kills,
  seed,
  writers = 8,
  sharers = 6,
  store,
  settled = async () => {},
  progress,
}: KillOptions): Promise<KillReport> {
  const random = new Random(seed);
  const report: KillReport = {
    kills: 0,
    acknowledged: 0,
    unanswered: 0,
    objects: 0,
    ordered: 0,
    interrupted: { undone: 0, cell: 0, chain: 0, spend: 0, refused: 0 },
    problems: [],
  };
  const objects: Known[] = [];
  const server = await FaultyServer.prepare(store === undefined ? {} : { store });
  const unharmed = () => (store === undefined ? integrity(server.database) : []);
  try {
    await server.start();
    const preparedFor = async (round: number): Promise<Contest> => {
      const client = await server.connect();
      const objects = await prepare(client, `r${round}`, new Random(seed, round, 999));
      const before = await look(client, objects);
      await client.close();
      return { objects, before };
    };
    while (report.kills < kills && report.problems.length === 0) {
      const round = report.kills + 1;
      const crew = Array.from(
        { length: writers },
        (_, at) => new Writer(`r${round}w${at}`, new Random(seed, round, at)),
      );
      const shared = await preparedFor(round);
      const ticks = new Ticks();
      const crowd = Array.from(
        { length: sharers },
        (_, at) => new SharedWriter(at, shared.objects, new Random(seed, round, 1_000 + at), ticks),
      );
      let killed = false;
      const everybody = [...crew, ...crowd];
      const work = Promise.allSettled(everybody.map((writer) => write(server, writer, () => killed)));
      // Counted in answers, not in time, so that a slow machine kills in the middle of writes too.
      const enough = random.below(300);
      const deadline = performance.now() + 10_000;
      while (
        everybody.reduce((sum, { acknowledged }) => sum + acknowledged, 0) < enough &&
        performance.now() < deadline
      )
        await sleep(1);
      await sleep(random.below(5));
      killed = true;
      await server.end('SIGKILL');
      for (const outcome of await work) {
        if (outcome.status === 'rejected') report.problems.push(`round ${round}: ${String(outcome.reason)}`);
      }
      report.kills = round;
      await settled();
      await server.start();
      const unanswered = crew.flatMap((writer): Unanswered[] => [
        ...(writer.unanswered === undefined ? [] : [writer.unanswered]),
        ...writer.undone,
      ]);
      const mine = crew.flatMap((writer) => writer.objects);
      const client = await server.connect();
      const found: Known[] = [];
      report.problems.push(...(await settle(client, unanswered, found)));
      const earlier =
        objects.length === 0 ? [] : Array.from({ length: revisited }, () => random.pick(objects));
      report.problems.push(...(await compare(client, [...mine, ...found, ...new Set(earlier)])));
      report.problems.push(...unharmed());
      const deeds = crowd.flatMap((writer) => writer.deeds);
      report.problems.push(
        ...crowd.flatMap((writer) => writer.problems.map((what) => `round ${round}: ${what}`)),
      );
      report.problems.push(
        ...(await unexplained(client, shared, deeds)).map((what) => `round ${round}: ${what}`),
      );
      report.ordered += deeds.length;
      for (const { ended, steps, undone } of deeds) {
        if (ended !== undefined) continue;
        if (undone) report.interrupted.undone++;
        else for (const { kind } of steps) report.interrupted[kind]++;
      }
      await client.close();
      objects.push(...mine, ...found);
      report.acknowledged += everybody.reduce((sum, writer) => sum + writer.acknowledged, 0);
      report.unanswered +=
        crew.filter((writer) => writer.unanswered !== undefined).length +
        deeds.filter(({ ended }) => ended === undefined).length;
      report.objects = objects.length;
      progress?.(report);
    }
    const client = await server.connect();
    report.problems.push(...(await compare(client, objects)));
    await client.close();
    const code = await server.end();
    if (code !== 0) report.problems.push(`the last daemon ended with ${code}`);
    report.problems.push(...unharmed());
  } finally {
    await server.remove();
  }
  return report;
}

/** What all connections of a round change, and how it was at its start. */
interface Contest {
  readonly objects: Shared;
  readonly before: World;
}

/** Why no serial order of the messages leads from how the objects were to how they are now. */
async function unexplained(
  client: Client,
  { objects, before }: Contest,
  deeds: readonly Deed[],
): Promise<string[]> {
  const why = explain(before, deeds, await look(client, objects));
  const links = await followed(client, objects, before, deeds);
  return why === undefined ? links : [why, ...links];
}
