import { auditBlocks } from './audit-blocks.ts';
import type { Migration } from './migration.ts';
import { secondDesign } from './second-design.ts';
import { secretLengths } from './secret-lengths.ts';

/** In order of version. Append only. Versions 1 to 4 were the first design. */
export const migrations: readonly Migration[] = [secondDesign, secretLengths, auditBlocks];
