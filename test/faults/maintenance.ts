import { setTimeout as sleep } from 'node:timers/promises';
import type { ManagementCall } from '../../src/management/api.ts';
import type { Client } from '../client.ts';
import { KmipdProcess } from '../fixture/kmipd.ts';
import { countExpired } from './database.ts';
import { folding } from './folding.ts';
import { type Known, known } from './history.ts';
import { CutOffError, type MaintenanceAct, type Round } from './maintenance-act.ts';
import { manageDaemon } from './manage-daemon.ts';
import { ask, create, destroy } from './messages.ts';
import { rewrapping } from './rewrapping.ts';
import { createExpiringTickets } from './tickets.ts';

/** More destroyed objects than one commit purges. */
const doomedObjects = 80;
/** More expired records than one commit deletes. */
const expiringTickets = 600;
/** Milliseconds after which an act has failed. */
const actDeadline = 60_000;
/** Likewise for a verification of the objects of a long campaign, which rests half of the time. */
const verificationDeadline = 1_200_000;

/** Every act of the campaign. */
export const maintenanceActs: readonly MaintenanceAct[] = [
  { name: 'purge by socket', aim: 300, prepare: destroyObjects, run: purgeBySocket },
  { name: 'purge by command', aim: 1_200, prepare: destroyObjects, run: purgeByCommand },
  { name: 'sweep', aim: 150, prepare: letTicketsExpire, run: awaitSweep },
  { name: 'verification', aim: 100, run: awaitVerification },
  folding,
  rewrapping,
];

async function destroyObjects({ prefix, made }: Round, client: Client): Promise<void> {
  if (made.length > 0) return;
  const names = Array.from({ length: doomedObjects }, (_, at) => `${prefix}-doomed-${at}`);
  const answers = await ask(
    client,
    names.flatMap((name) => [create(name), destroy()]),
  );
  for (const [at, name] of names.entries()) {
    const { ok, message, id } = answers[2 * at + 1] ?? { ok: false, message: 'no answer', id: '' };
    if (!ok) throw new Error(`Destroy: ${message}`);
    made.push(known(id, '', name, 'Destroyed'));
  }
}

/** Returns the objects that a purge which begins now must purge. */
function beginPurge(round: Round): { readonly due: readonly Known[]; readonly isPartlyDone: () => boolean } {
  round.hasPurge = true;
  const due = round.objects().filter(({ state, purged }) => state === 'Destroyed' && purged !== 'yes');
  const has = (wanted: Known['purged']) => due.some(({ purged }) => purged === wanted);
  return { due, isPartlyDone: () => has('yes') && has('no') };
}

async function purgeBySocket(round: Round, begin: () => void): Promise<void> {
  const { due, isPartlyDone } = beginPurge(round);
  const purge = async (call: ManagementCall) => {
    const destroyedUntil = Math.floor(Date.now() / 1000);
    for (let after: number | null = 0; after !== null; )
      after = (await call('object.purge', { after, destroyedUntil, dryRun: false })).next;
  };
  await manageDaemon(round, begin, purge, isPartlyDone);
  for (const object of due) object.purged = 'yes';
}

/** The command uses the socket of the daemon, or the database itself when the daemon was killed before. */
async function purgeByCommand(round: Round, begin: () => void): Promise<void> {
  const { server, random } = round;
  const { due, isPartlyDone } = beginPurge(round);
  const command = new KmipdProcess(['object', 'purge', '--home', server.home, '--days', '0', '--yes']);
  begin();
  const ending = new AbortController();
  if (round.killsCommands) {
    const kill = () => command.signal('SIGKILL');
    sleep(random.below(2_000), undefined, { signal: ending.signal }).then(kill, () => {});
  }
  const code = await command.exited();
  ending.abort();
  const isCutOff =
    code === 'SIGKILL' || (round.isKilled() && /did not answer to the end/.test(command.errors));
  if (isCutOff) throw new CutOffError(isPartlyDone);
  if (code !== 0) throw new Error(`kmipd object purge ended with ${code}: ${command.combinedOutput}`);
  for (const object of due) object.purged = 'yes';
}

async function letTicketsExpire(_round: Round, client: Client): Promise<void> {
  await createExpiringTickets(client, expiringTickets);
}

/** Resolves when the daemon has deleted all records that have expired by the second after this one. */
async function awaitSweep({ server, store, isKilled }: Round, begin: () => void): Promise<void> {
  const until = Math.floor(Date.now() / 1000) + 1;
  const count = () => countExpired(server.database, store, until);
  const before = await count();
  while (Date.now() < until * 1000 && !isKilled()) await sleep(1);
  begin();
  const deadline = performance.now() + actDeadline;
  for (let left = before; ; left = await count()) {
    if (left === 0) return;
    if (isKilled()) throw new CutOffError(() => left < before);
    if (performance.now() > deadline) throw new Error(`${left} expired records are not deleted`);
    await sleep(2);
  }
}

/** Resolves when the daemon reports a verification in the background, whose problems are in its log. */
async function awaitVerification({ server, isKilled }: Round, begin: () => void): Promise<void> {
  const report = /verified \d+ objects and \d+ records: \d+ problems/;
  const reported = server.waitForNextOutput(report, verificationDeadline);
  begin();
  try {
    await reported;
  } catch (error) {
    throw isKilled() ? new CutOffError() : error;
  }
}
