import { clientsAndSealingKeys } from './clients.ts';
import type { Migration } from './migration.ts';
import { objects } from './objects.ts';
import { objectsByGroup } from './objects-by-group.ts';
import { records } from './records.ts';

/** In order of version. Append only. */
export const migrations: readonly Migration[] = [objects, clientsAndSealingKeys, records, objectsByGroup];
