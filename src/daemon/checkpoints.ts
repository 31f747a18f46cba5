import type { CheckpointLane } from '../audit/checkpoints/checkpoint.ts';
import { readNotice } from '../audit/verification/notices.ts';
import type { OpenedDatabase } from '../cli/state-directory/open-database.ts';
import { type BlockRow, openBlock } from '../store/audit/audit-blocks.ts';
import type { OpenLane } from '../store/lanes/open-lane.ts';
import type { DaemonAudit } from './audit.ts';

/** The database that checkpoints tell about. */
type CheckpointedDatabase = Pick<OpenedDatabase, 'vault' | 'listLanes' | 'renewLane' | 'auditBlocks'>;

/** How far clocks of nodes may differ: the end of a chain is looked for that long before it was missed. */
const maxClockMilliseconds = 86_400_000;

/** Lets the daemon sign checkpoints of its database. */
export function startCheckpoints({ log, checkpoints }: DaemonAudit, database: CheckpointedDatabase): void {
  const { vault, listLanes, renewLane } = database;
  const ends = new ChainEnds(database);
  checkpoints.start({
    vault,
    listLanes: async () => (await listLanes()).map(toCheckpointLane),
    hasEnded: ({ chain }, since) =>
      chain === undefined ? Promise.resolve(true) : ends.has(chain, since - maxClockMilliseconds),
    flush: async () => {
      await log.settled();
      if (log.pending > 0) await renewLane();
    },
  });
}

/** Returns what a checkpoint says of a lane. */
function toCheckpointLane({ name, seq, box, content: { audit } }: OpenLane): CheckpointLane {
  const chain = audit && { id: audit.id, entries: audit.count, head: audit.head };
  return { name, seq, state: Uint8Array.fromHex(box), chain };
}

/** Looks for the entries that say where chains have ended. */
class ChainEnds {
  readonly #database: CheckpointedDatabase;
  /** Up to which row the end of a chain was looked for. */
  readonly #passed = new Map<string, number>();

  constructor(database: CheckpointedDatabase) {
    this.#database = database;
  }

  /** Whether a chain has ended; looks at blocks that were written from a time on, once at each of them. */
  async has(chain: { readonly id: string; readonly entries: number }, since: number): Promise<boolean> {
    const { auditBlocks, vault, listLanes } = this.#database;
    const chains = new Map(
      (await listLanes()).map(({ content }) => [content.audit?.id, content.audit?.count ?? 0]),
    );
    const says = (block: BlockRow) => {
      // What is beyond the head of its own chain was not committed with a lane.
      if (block.first + block.count > (chains.get(block.chain) ?? 0)) return false;
      const notices = (openBlock(block, vault) ?? []).map(({ text }) => readNotice(text));
      return notices.some(
        (notice) =>
          notice?.kind === 'ended' && notice.end.chain === chain.id && notice.end.count >= chain.entries,
      );
    };
    const passed = this.#passed.get(chain.id) ?? 0;
    let newest: number | undefined;
    for (let before = Number.MAX_SAFE_INTEGER; ; ) {
      const page = await auditBlocks.before(before);
      newest ??= page[0]?.seq;
      const fresh = page.filter(({ seq, time }) => seq > passed && time >= since);
      if (fresh.some(says)) return true;
      before = page.at(-1)?.seq ?? 0;
      if (fresh.length < page.length || page.length === 0) break;
    }
    this.#passed.set(chain.id, newest ?? passed);
    return false;
  }
}
