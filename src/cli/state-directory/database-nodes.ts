import type { ManagedNodes, NodeSummary } from '../../management/managed-nodes.ts';
import { nodeOf, type OpenLane } from '../../store/lanes/open-lane.ts';
import type { Database } from '../../store/open.ts';
import { boxEpoch, type Vault } from '../../vault/vault.ts';

/**
 * Returns the nodes of a database, which are known by their lanes.
 * @param own the node of this process; undefined while its state directory has none
 */
export function createManagedNodes(
  { listLanes, foldLanes, resealLanes }: Pick<Database, 'listLanes' | 'foldLanes' | 'resealLanes'>,
  vault: Vault,
  own: string | undefined,
): ManagedNodes {
  const read = async () => {
    const sorted = (await listLanes(vault)).toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return Map.groupBy(sorted, (lane) => nodeOf(lane.name));
  };
  return {
    list: async () => [...(await read())].map(([name, lanes]) => describeNode(name, lanes, own)),
    async remove(name, commits) {
      const lanes = (await read()).get(name) ?? [];
      if (lanes.length === 0 || countCommits(lanes) !== commits) return false;
      return (await foldLanes(lanes, vault)) === 'committed';
    },
    async renew() {
      const lanes = (await read()).get(own ?? '') ?? [];
      const late = lanes.filter(({ row }) => boxEpoch(row.box) < vault.currentEpoch);
      return late.length === 0 || (await resealLanes(late, vault)) === 'committed';
    },
  };
}

function describeNode(name: string, lanes: readonly OpenLane[], own: string | undefined): NodeSummary {
  const written = lanes.map(({ content }) => content.written ?? 0);
  const last = lanes
    .toSorted((a, b) => a.content.keyring - b.content.keyring || writtenAt(a) - writtenAt(b))
    .at(-1);
  return {
    ...{ name, isOwn: name === own, lanes: lanes.map((lane) => lane.name), commits: countCommits(lanes) },
    keyring: Math.max(...lanes.map(({ content }) => content.keyring)),
    roots: last?.content.roots ?? [],
    oldestEpoch: Math.min(...lanes.map(({ row }) => boxEpoch(row.box))),
    writtenAt: Math.max(...written) || null,
  };
}

const writtenAt = ({ content }: OpenLane) => content.written ?? 0;

function countCommits(lanes: readonly OpenLane[]): number {
  return lanes.reduce((sum, { seq }) => sum + seq, 0);
}
