import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '../client.ts';
import { Random } from '../fuzz/random.ts';
import { compare, type Known, settle, type Unanswered } from './history.ts';
import { FaultyServer } from './server.ts';
import { Writer } from './writer.ts';

export interface KillOptions {
  readonly kills: number;
  readonly seed: number;
  readonly writers?: number;
  progress?(report: KillReport): void;
}

export interface KillReport {
  kills: number;
  /** Messages that were answered, and that were on the way when the server died. */
  acknowledged: number;
  unanswered: number;
  objects: number;
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
async function write(server: FaultyServer, writer: Writer, killed: () => boolean): Promise<void> {
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
 * acknowledged: nothing may be lost, and what was not acknowledged must be there wholly or not at all.
 */
export async function killAgainAndAgain({
  kills,
  seed,
  writers = 8,
  progress,
}: KillOptions): Promise<KillReport> {
  const random = new Random(seed);
  const report: KillReport = { kills: 0, acknowledged: 0, unanswered: 0, objects: 0, problems: [] };
  const objects: Known[] = [];
  const server = await FaultyServer.prepare();
  try {
    await server.start();
    while (report.kills < kills && report.problems.length === 0) {
      const round = report.kills + 1;
      const crew = Array.from(
        { length: writers },
        (_, at) => new Writer(`r${round}w${at}`, new Random(seed, round, at)),
      );
      let killed = false;
      const work = Promise.allSettled(crew.map((writer) => write(server, writer, () => killed)));
      // Counted in answers, not in time, so that a slow machine kills in the middle of writes too.
      const enough = random.below(300);
      const deadline = performance.now() + 10_000;
      while (
        crew.reduce((sum, { acknowledged }) => sum + acknowledged, 0) < enough &&
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
      report.problems.push(...integrity(server.database));
      await client.close();
      objects.push(...mine, ...found);
      report.acknowledged += crew.reduce((sum, writer) => sum + writer.acknowledged, 0);
      report.unanswered += crew.filter((writer) => writer.unanswered !== undefined).length;
      report.objects = objects.length;
      progress?.(report);
    }
    const client = await server.connect();
    report.problems.push(...(await compare(client, objects)));
    await client.close();
    const code = await server.end();
    if (code !== 0) report.problems.push(`the last daemon ended with ${code}`);
    report.problems.push(...integrity(server.database));
  } finally {
    await server.remove();
  }
  return report;
}
