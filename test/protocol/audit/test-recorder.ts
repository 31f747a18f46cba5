import { type AuditEntry, type AuditRecorder, AuditUnavailableError } from '../../../src/audit/audit.ts';
import { openBlock } from '../../../src/store/audit/audit-blocks.ts';
import type { TestService } from '../service.ts';

/** A recorder that keeps the entries of its journal, and may fail. */
export class TestRecorder implements AuditRecorder {
  readonly node = 'node';
  readonly hasNames: boolean;
  readonly entries: AuditEntry[] = [];
  refusal: string | undefined;
  isFailing = false;

  constructor({ hasNames = false }: { readonly hasNames?: boolean } = {}) {
    this.hasNames = hasNames;
  }

  async append(entry: AuditEntry): Promise<void> {
    if (this.isFailing) throw new AuditUnavailableError('the disk is full');
    this.entries.push(entry);
  }

  report(entry: AuditEntry): void {
    if (!this.isFailing) this.entries.push(entry);
  }
}

/** Reads the entries that were committed with changes, in their order. */
export async function committedEntries({ database, vault }: TestService): Promise<AuditEntry[]> {
  const entries: AuditEntry[] = [];
  for (let last = 0; ; ) {
    const rows = await database.auditBlocks.after(last);
    if (rows.length === 0) return entries;
    for (const row of rows) {
      if (row.seq <= last) throw new Error(`block ${row.seq} came after block ${last}`);
      const opened = openBlock(row, vault);
      if (opened === undefined) throw new Error(`block ${row.seq} does not open`);
      entries.push(...opened.map(({ text }) => JSON.parse(text) as AuditEntry));
      last = row.seq;
    }
  }
}
