import type { Store } from './store.ts';

/** Told of every call: the name of the method, how long it took, whether it failed. */
export type StoreCallObserver = (call: string, seconds: number, failed: boolean) => void;

/** The same store, watched. */
export function withMetrics(store: Store, note: StoreCallObserver): Store {
  async function timed<T>(call: string, run: () => Promise<T>): Promise<T> {
    const started = performance.now();
    let failed = true;
    try {
      const result = await run();
      failed = false;
      return result;
    } finally {
      note(call, (performance.now() - started) / 1000, failed);
    }
  }
  return {
    load: (ids) => timed('load', () => store.load(ids)),
    find: (query) => timed('find', () => store.find(query)),
    record: (kind, id) => timed('record', () => store.record(kind, id)),
    records: (query) => timed('records', () => store.records(query)),
    sweep: (now) => timed('sweep', () => store.sweep(now)),
    commit: (unit) => timed('commit', () => store.commit(unit)),
    ping: () => timed('ping', () => store.ping()),
    close: () => store.close(),
  };
}
