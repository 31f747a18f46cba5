import type { Store } from './store.ts';

/**
 * Is notified of every call of the store: label of the method, duration in seconds, whether the call failed.
 */
export type StoreCallObserver = (call: string, seconds: number, failed: boolean) => void;

/** Returns a store that calls `store` and reports every call to `observe`. */
export function withMetrics(store: Store, observe: StoreCallObserver): Store {
  async function measureCall<T>(call: string, run: () => Promise<T>): Promise<T> {
    const started = performance.now();
    let failed = true;
    try {
      const result = await run();
      failed = false;
      return result;
    } finally {
      observe(call, (performance.now() - started) / 1000, failed);
    }
  }
  return {
    load: (group, ids) => measureCall('load', () => store.load(group, ids)),
    groupOf: (id) => measureCall('load', () => store.groupOf(id)),
    find: (query, match) => measureCall('find', () => store.find(query, match)),
    count: (query) => measureCall('count', () => store.count(query)),
    record: (kind, key) => measureCall('record', () => store.record(kind, key)),
    records: (query) => measureCall('records', () => store.records(query)),
    // The label is older than the method; dashboards depend on it.
    deleteExpired: (now, isGenuine) => measureCall('sweep', () => store.deleteExpired(now, isGenuine)),
    commit: (unit) => measureCall('commit', () => store.commit(unit)),
    ping: () => measureCall('ping', () => store.ping()),
    close: () => store.close(),
  };
}
