import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import * as envelope from '../../../codec/envelope.ts';
import type { AnySchema, Struct } from '../../../codec/schema.ts';

const folder = resolve(import.meta.dirname, '..', '..', '..', 'codec', 'structures');

/**
 * Finds every structure that the codec exports, by the name of its schema, so that tests include new
 * structures.
 */
export async function exportedStructures(): Promise<Map<string, Struct>> {
  const found = new Map<string, Struct>();
  const modules = readdirSync(folder).map((file) => import(resolve(folder, file)));
  for (const exported of [envelope, ...(await Promise.all(modules))] as Record<string, unknown>[]) {
    for (const [name, value] of Object.entries(exported)) {
      if ((value as AnySchema | null)?.kind === 'struct') found.set(name, value as Struct);
    }
  }
  return found;
}
