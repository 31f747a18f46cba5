import { setTimeout as sleep } from 'node:timers/promises';
import { type Client, text } from '../client.ts';
import { KmipdProcess } from '../fixture/kmipd.ts';
import type { Random } from '../fuzz/random.ts';
import { ask, create, get, locate } from './messages.ts';

/**
 * A connection that reads, searches and creates, message after message, until the server ends. Each message
 * has a Client Correlation Value of its own, by which the audit log is searched for it.
 */
export class AuditedWriter {
  /** Correlation values of the messages that were answered. */
  readonly answered: string[] = [];
  readonly #random: Random;
  readonly #prefix: string;
  #count = 0;

  constructor(prefix: string, random: Random) {
    this.#prefix = prefix;
    this.#random = random;
  }

  get acknowledged(): number {
    return this.answered.length;
  }

  /** Rejects when a message is refused; ends when the connection does. */
  async run(client: Client): Promise<void> {
    let id: string | undefined;
    for (;;) {
      const value = `${this.#prefix}-${this.#count++}`;
      const isNew = id === undefined || this.#random.chance(10);
      const request = isNew ? create(value) : this.#random.chance(20) ? locate(value) : get(id);
      let failed: string | undefined;
      try {
        const [answer] = await ask(client, [request], [text('ClientCorrelationValue', value)]);
        if (answer?.ok === true && isNew) ({ id } = answer);
        if (answer?.ok !== true) failed = answer?.message;
      } catch {
        return;
      }
      if (failed !== undefined) throw new Error(`${request.operation}: ${failed}`);
      this.answered.push(value);
    }
  }
}

/** How often, and after how many milliseconds, the log is searched for what the daemon has yet to move. */
const [maxSearches, pauseMilliseconds] = [40, 500];

/**
 * Searches the audit log of a state directory for messages that were answered; returns a line for each that
 * is missing or there twice. `since`: milliseconds since 1970 of the first of them.
 */
export async function findUnrecorded(
  home: string,
  answered: readonly string[],
  since: number,
): Promise<readonly string[]> {
  for (let search = 1; ; search += 1) {
    const times = await countRecorded(home, since);
    if (typeof times === 'string') return [times];
    const wrong = answered.filter((value) => times.get(value) !== 1);
    if (wrong.length === 0 || search === maxSearches)
      return wrong.map((value) => `the audit log has the message ${value} ${times.get(value) ?? 0} times`);
    await sleep(pauseMilliseconds);
  }
}

/** Counts messages by their correlation values; a text when the log cannot be read. */
async function countRecorded(home: string, since: number): Promise<ReadonlyMap<string, number> | string> {
  const args = ['--json', '--limit', '0', '--since', new Date(since).toISOString()];
  const show = new KmipdProcess(['audit', 'show', '--home', home, ...args]);
  if ((await show.exited()) !== 0 || show.errors !== '') return `audit show: ${show.combinedOutput}`;
  const times = new Map<string, number>();
  for (const line of show.output.split('\n').filter(Boolean)) {
    const { clientCorrelation, item } = JSON.parse(line) as { clientCorrelation?: string; item: number };
    if (clientCorrelation !== undefined && item === 0)
      times.set(clientCorrelation, (times.get(clientCorrelation) ?? 0) + 1);
  }
  return times;
}
