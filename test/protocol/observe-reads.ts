import type { Store } from '../../src/store/store.ts';
import type { TestService } from './service.ts';

/**
 * Observes what the service reads. The returned function gives the reads since its last call, in order: each
 * call of the store with the number of rows that it returned, and each decryption.
 */
export function observeReads({ store, vault }: TestService): () => readonly string[] {
  let reads: string[] = [];
  const counted = store as { -readonly [K in keyof Store]: Store[K] };
  const { load, record, records, find, groupOf } = store;
  counted.load = async (group, ids) => note('load', await load(group, ids), (rows) => rows.length);
  counted.record = async (kind, id) => note('record', await record(kind, id), (row) => (row ? 1 : 0));
  counted.records = async (query) => note('records', await records(query), (rows) => rows.length);
  counted.find = async (query, match) => note('find', await find(query, match), ({ ids }) => ids.length);
  // A background task, whose decryptions are those of no request.
  counted.deleteExpired = async () => {};
  counted.groupOf = async (id) => note('groupOf', await groupOf(id), (group) => (group ? 1 : 0));
  const open = vault.open.bind(vault);
  vault.open = (context, sealed) => {
    const plain = open(context, sealed);
    // The lanes are compared each second, for no request.
    return context.kind === 'lane' ? plain : note('open', plain, () => 1);
  };
  return () => {
    const taken = reads;
    reads = [];
    return taken;
  };

  function note<T>(call: string, result: T, count: (result: T) => number): T {
    reads.push(`${call} ${count(result)}`);
    return result;
  }
}
