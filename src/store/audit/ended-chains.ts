import { chainEnded } from '../../audit/audit.ts';
import { toChainEntries } from '../../audit/entry-text.ts';
import type { ChainEntry } from '../../common/audit-chain.ts';
import { nodeOf, type OpenLane } from '../lanes/open-lane.ts';

/**
 * Returns the entries about the chains of lanes that are removed: nothing else says where these end.
 * @param by name of the lane of which the chain gets the entries
 */
export function endChains(lanes: readonly OpenLane[], by: string): readonly ChainEntry[] {
  return lanes.flatMap(({ name, content: { audit } }) => {
    if (audit === undefined) return [];
    const details = { lane: name, chain: audit.id, entries: audit.count, head: audit.head.toHex() };
    const items = [{ operation: chainEnded, result: 'Success', details }];
    return toChainEntries({ time: Date.now(), kind: 'audit', node: nodeOf(by), items });
  });
}
