import type { Client, ClientDirectory } from '../identity/principal.ts';
import type { SqlDriver, SqlRow, SqlStep } from './sql-driver.ts';
import type { EnrolmentChange } from './store.ts';

const columns = 'name, grp, role, fingerprint, disabled, enrolled_at, certificate';
const selectByFingerprint = `select ${columns} from client where fingerprint = $1`;
const selectByName = `select ${columns} from client where name = $1`;
const selectAll = `select ${columns} from client order by name`;
const insert = `insert into client (${columns}) values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`;
const setDisabled = 'update client set disabled = $2 where name = $1';
const replace =
  'update client set fingerprint = $4, certificate = $5 where name = $1 and grp = $2 and fingerprint = $3' +
  ' and disabled = 0 and not exists (select 1 from client other where other.fingerprint = $4)';
const remove = 'delete from client where name = $1';

/**
 * Creates the directory of enrolled clients in the database of the objects. Uncached: a removal applies at
 * once.
 */
export function createSqlClients(driver: SqlDriver): ClientDirectory {
  const readOne = async (sql: string, key: string) => {
    const [row] = await driver.read(sql, [key]);
    return row && toClient(row);
  };
  const write = async (sql: string, parameters: SqlStep['parameters']) => {
    const step: SqlStep = { sql, parameters, rows: 1, otherwise: 'conflict' };
    return (await driver.commit({ objects: [], steps: [step] })) === 'committed';
  };
  return {
    byFingerprint: (fingerprint) => readOne(selectByFingerprint, fingerprint),
    byName: (name) => readOne(selectByName, name),
    list: async () => (await driver.read(selectAll, [])).map(toClient),
    add: ({ name, group, role, fingerprint, disabled, enrolledAt, certificate }) =>
      write(insert, [name, group, role, fingerprint, Number(disabled), enrolledAt, certificate]),
    setDisabled: (name, disabled) => write(setDisabled, [name, Number(disabled)]),
    remove: (name) => write(remove, [name]),
  };
}

/** Returns a replacement of a certificate as a step of the unit that `sql-store.ts` commits. */
export function enrolmentStep({ client, group, before, fingerprint, certificate }: EnrolmentChange): SqlStep {
  const parameters = [client, group, before, fingerprint, certificate];
  return { sql: replace, parameters, rows: 1, otherwise: 'conflict' };
}

function toClient(row: SqlRow): Client {
  return {
    name: row.name as string,
    group: row.grp as string,
    role: row.role as string,
    fingerprint: row.fingerprint as string,
    disabled: row.disabled !== 0,
    enrolledAt: row.enrolled_at as number,
    certificate: row.certificate as string,
  };
}
