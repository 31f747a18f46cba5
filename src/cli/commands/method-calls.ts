import type { ManagementCall } from '../../management/api.ts';
import { stateDirectoryAt } from '../state-directory/state-directory.ts';

/** Options that choose the state directory and the database. */
export interface StoreArguments {
  readonly home: string;
  readonly store?: string;
}

/** Resolves to the result of `work`, which calls methods of the management service; see `withManagement`. */
export async function withMethods<T>(
  { home, store }: StoreArguments,
  work: (call: ManagementCall) => Promise<T>,
  access: 'read' | 'write' = 'write',
): Promise<T> {
  const { withManagement } = await import('../state-directory/management.ts');
  return withManagement(stateDirectoryAt(home), store, work, { access });
}
