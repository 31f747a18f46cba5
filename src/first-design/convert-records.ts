import { CommandError } from '../cli/failure.ts';
import { readJson } from '../common/json.ts';
import type { Progress } from '../common/progress.ts';
import type { ClientEntry } from '../identity/client-entry.ts';
import { noCredentials, unused } from '../identity/credentials.ts';
import { putCertificate, putClientEntry } from '../protocol/unit-of-work/client-entries.ts';
import { UnitOfWork } from '../protocol/unit-of-work/unit-of-work.ts';
import type { Read, SqlRow } from '../store/sql-driver.ts';
import type { Store } from '../store/store.ts';
import type { Vault } from '../vault/vault.ts';
import type { Inventory } from './inventory.ts';
import { type OldRecord, readOldClients, readOldRecords } from './old-rows.ts';
import type { OldVault } from './old-vault.ts';
import type { ConversionReport } from './report.ts';

/** Kinds of the records of a client's credentials, which stand in the client's own record now. */
const credentialKind = 'credential';
const credentialUseKind = 'credential-use';

/** Where rows are taken from, where they go, and who is told. */
export interface Conversion {
  readonly read: Read;
  /** What rows must be to be converted. */
  readonly inventory: Inventory;
  readonly oldVault: OldVault;
  readonly store: Store;
  readonly vault: Vault;
  readonly report: ConversionReport;
  readonly progress: Progress;
  /** @throws {CommandError} when another process may write. */
  readonly requireLock: () => void;
}

/**
 * Converts the records, and the clients with the credentials among them. Returns the number of new records.
 * @throws {CommandError} when a record does not open, or a row is not as in the inventory.
 */
export async function convertRecords(conversion: Conversion): Promise<number> {
  const { read, inventory, oldVault, report, progress } = conversion;
  const credentials = new Map<string, Partial<ClientEntry>>();
  let count = 0;
  for await (const records of readOldRecords(read)) {
    conversion.requireLock();
    const unit = newUnit(conversion);
    for (const record of records) {
      inventory.compare(record.row);
      const { kind, id, group, expires } = record;
      const content = openRecord(record, oldVault);
      const part = { [credentialKind]: 'credentials', [credentialUseKind]: 'use' }[kind];
      if (part === undefined) {
        unit.putRecord(kind, id, group, content, expires ?? undefined);
        count += 1;
      } else credentials.set(id, { ...credentials.get(id), [part]: readJson(content) });
      content.fill(0);
      report.addRecord(kind);
    }
    await commit(unit);
    progress.add(records.length);
  }
  inventory.compareEnd('record');
  return count + (await convertClients(conversion, credentials));
}

async function convertClients(
  conversion: Conversion,
  credentials: ReadonlyMap<string, Partial<ClientEntry>>,
): Promise<number> {
  const clients = await readOldClients(conversion.read);
  for (const { row, client: cells } of clients) {
    conversion.inventory.compare(row);
    const unit = newUnit(conversion);
    const client = toClientEntry(cells, credentials);
    putClientEntry(unit, client);
    putCertificate(unit, client);
    await commit(unit);
    conversion.report.addClient(client);
  }
  conversion.inventory.compareEnd('client');
  return 2 * clients.length;
}

function toClientEntry(row: SqlRow, credentials: ReadonlyMap<string, Partial<ClientEntry>>): ClientEntry {
  return {
    name: row.name as string,
    group: row.grp as string,
    role: row.role as string,
    fingerprint: row.fingerprint as string,
    disabled: row.disabled !== 0,
    enrolledAt: row.enrolled_at as number,
    certificate: row.certificate as string,
    credentials: noCredentials,
    use: unused,
    ...credentials.get(row.name as string),
  };
}

function openRecord(record: OldRecord, vault: OldVault): Uint8Array {
  const { row, kind, id, group, version, expires, sealed } = record;
  const content = vault.open({ kind: 'record', recordKind: kind, id, group, version, expires }, sealed);
  if (content !== undefined) return content;
  throw new CommandError(`the conversion of the database stopped at ${row.name}: it does not open`);
}

function newUnit({ store, vault }: Conversion): UnitOfWork {
  return new UnitOfWork(store, vault, { uniqueNames: false, now: 0 });
}

async function commit(unit: UnitOfWork): Promise<void> {
  const result = await unit.commit();
  if (result !== 'committed') throw new CommandError(`the conversion of the database stopped: ${result}`);
}
