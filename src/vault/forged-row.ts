import type { SealContext } from './vault.ts';

/** A row of the database that does not open. */
export interface ForgedRow {
  readonly table: string;
  /** Identifier of an object, kind and key of a record, name of a lane; nothing secret. */
  readonly id: string;
}

/** Names the row of a box. */
export function rowOf(context: SealContext): ForgedRow {
  switch (context.kind) {
    case 'object':
    case 'value':
      return { table: 'managed_object', id: context.id };
    case 'record':
      return { table: 'sealed_record', id: `${context.recordKind} ${context.key}` };
    case 'lane':
      return { table: 'lane', id: context.name };
  }
}
