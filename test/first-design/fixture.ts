import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type t from 'tap';
import { encodeManagedObject } from '../../codec/structures/managed-objects.ts';
import { prepareLanes } from '../../src/cli/state-directory/database-lanes.ts';
import { type OpenedDatabase, openDatabaseOf } from '../../src/cli/state-directory/open-database.ts';
import { stateDirectoryAt } from '../../src/cli/state-directory/state-directory.ts';
import { defaultLimits } from '../../src/common/limits.ts';
import { convertDatabase } from '../../src/first-design/conversion.ts';
import { readClientEntry } from '../../src/identity/client-entry.ts';
import { ManagedObject } from '../../src/object/managed-object.ts';
import { StoredClients } from '../../src/protocol/authentication/client-directory.ts';
import { UnitOfWork } from '../../src/protocol/unit-of-work/unit-of-work.ts';

/**
 * A database that a kmipd of the first design has written, with clients, credentials of which some are spent,
 * tickets, a job and objects of every type; `expected.json` has what that kmipd has read of it, values and
 * contents as SHA-256. No kmipd can make it any more.
 */

const source = join(import.meta.dirname, 'fixture');

/** The database as it was written. */
export const originalFile = join(source, 'kmipd.db');

interface Expected {
  /** Identifiers of objects that the group `default` has, but for the last, of `storage`. */
  readonly ids: Readonly<Record<'active' | 'archived' | 'destroyed' | 'ofBackup', string>>;
  /** One-time passwords of the client `backup`; the first is spent. */
  readonly codes: readonly string[];
  readonly clients: readonly {
    readonly name: string;
    readonly group: string;
    readonly role: string;
    readonly fingerprint: string;
    readonly disabled: 0 | 1;
    readonly enrolledAt: number;
  }[];
  /** In the order of insertion. */
  readonly objects: readonly {
    readonly id: string;
    readonly group: string;
    readonly type: string;
    readonly attributes: string;
    readonly value: string | null;
    readonly provenance: string;
    readonly maker: string | null;
    readonly uniqueNames: number;
  }[];
  readonly records: readonly {
    readonly kind: string;
    readonly id: string;
    readonly group: string;
    readonly expires: number | null;
    readonly content: string;
  }[];
}

export const expected: Expected = JSON.parse(readFileSync(join(source, 'expected.json'), 'utf8'));

/** Texts that the database of the first design has in the clear. */
export const clearTexts: readonly string[] = [
  'known text of a comment',
  'Schlüssel für Köln',
  'Kostenstelle Süd',
  'Prüfstand 7',
  'archived key',
  'BEGIN CERTIFICATE',
];

/** More objects than one commit converts. */
export const moreObjects = 600;
export const insertMoreObjects = `insert into object (id, grp, object_type, version, attributes)
  with recursive n (i) as (select 1 union all select i + 1 from n where i < ${moreObjects})
  select 'more ' || i, 'more', o.object_type, 1, o.attributes from n, object o where o.grp = 'archive' and o.sealed is null and o.object_type = 'SecretData'`;

/** A copy of the database with its root key in a temporary state directory. */
export class OldHome {
  readonly directory: string;
  readonly file: string;
  readonly rootKeyFile: string;
  readonly inventoryFile: string;
  /** URL of the database, which may be another than the file. */
  url: string;
  readonly said: string[] = [];
  report: readonly string[] = [];

  /** `directory`: one that has a database already. */
  constructor(directory?: string) {
    this.directory = directory ?? mkdtempSync(join(tmpdir(), 'kmipd-first-design-'));
    this.file = join(this.directory, 'kmipd.db');
    this.rootKeyFile = join(this.directory, 'root.key');
    this.inventoryFile = join(this.directory, 'first-design-inventory');
    this.url = `sqlite:${this.file}`;
    if (directory === undefined) copyOldDatabase(this.directory);
  }

  /** Changes rows of the SQLite file. */
  change(...statements: readonly string[]): void {
    const database = new DatabaseSync(this.file);
    for (const statement of statements) database.exec(statement);
    database.close();
  }

  /** @param isConfirmed see `ConversionOptions` */
  convert(say: (line: string) => void = () => {}, isConfirmed = false): Promise<void> {
    const { url, rootKeyFile, inventoryFile } = this;
    const stateDirectory = stateDirectoryAt(this.directory);
    const { options: lanes } = prepareLanes(stateDirectory, 'daemon');
    return convertDatabase({
      url,
      rootKeyFile,
      inventoryFile,
      isConfirmed,
      lanes,
      say: (line) => {
        this.said.push(line);
        say(line);
      },
      keepReport: (lines) => {
        this.report = lines;
      },
    });
  }

  /** Opens the converted database as the daemon does while `use` runs. */
  async opened<T>(use: (database: OpenedDatabase) => Promise<T>): Promise<T> {
    const fail = (why: string) => {
      throw new Error(why);
    };
    const observer = {
      rolledBack: fail,
      displaced: fail,
      anchored: () => fail('there is no anchor'),
      notAnchored: fail,
    };
    const database = await openDatabaseOf(
      stateDirectoryAt(this.directory),
      {
        ...{ store: this.url, limits: defaultLimits },
        vault: {
          ...{ root: [{ kind: 'file', path: this.rootKeyFile }], activationSeconds: 120 },
          ...{ values: 'envelope', valueProcesses: 1 },
        },
      },
      {
        mustExist: true,
        refreshSeconds: 0,
        forged: ({ id }) => fail(id),
        lanes: { process: 'daemon', observer },
      },
    );
    try {
      return await use(database);
    } finally {
      await database.close();
    }
  }

  remove(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** Copies the database and its root key into a directory. */
export function copyOldDatabase(directory: string): void {
  for (const name of ['kmipd.db', 'root.key']) {
    copyFileSync(join(source, name), join(directory, name));
    chmodSync(join(directory, name), 0o600);
  }
}

type Test = Pick<typeof t, 'strictSame'>;

/** Checks that a converted database has everything that the old one had. */
export async function checkConverted(t: Test, home: OldHome): Promise<void> {
  await home.opened(async ({ store, vault }) => {
    for (const group of new Set(expected.objects.map((object) => object.group))) {
      const wanted = expected.objects.filter((object) => object.group === group);
      const query = { group, filter: { all: [] }, isExact: true, offset: 0, limit: 100 };
      const { ids } = await store.find(query, () => true);
      t.strictSame(
        ids.toReversed(),
        wanted.map(({ id }) => id),
        `the objects of ${group} in their order`,
      );
      const rows = new Map((await store.load(group, ids)).map((row) => [row.id, row]));
      for (const object of wanted)
        t.strictSame(describeObject(ManagedObject.fromStored(rows.get(object.id)!, vault)), {
          ...object,
          uniqueNames: undefined,
        });
    }
    const unit = new UnitOfWork(store, vault, { uniqueNames: false, now: 0 });
    for (const { kind, id, group, expires, content } of expected.records.filter(isOwnRecord)) {
      const found = await unit.record(kind, id);
      t.strictSame(
        found && { group: found.group, expires: found.expires ?? null, content: sha256(found.content) },
        { group, expires, content },
        `${kind} ${id}`,
      );
    }
    const clients = await new StoredClients(store, vault).list();
    t.strictSame(
      clients.map(({ certificate: _, hasCredentials, ...client }) => ({ ...client, hasCredentials })),
      expected.clients.map((client) => ({
        ...client,
        disabled: client.disabled === 1,
        hasCredentials: ['backup', 'vcenter'].includes(client.name),
      })),
    );
    const { use, credentials } = readClientEntry((await unit.record('client', 'backup'))!.content);
    const spent = createHash('sha256').update(expected.codes[0]!).digest('base64');
    t.strictSame(use.spent, [spent], 'the spent password is spent');
    t.strictSame(credentials.users.map(({ username }) => username).sort(), ['hasher', 'operator']);
    t.strictSame(Object.keys(use.timeStamps), ['hasher'], 'its time stamp cannot be used again');
  });
}

const isOwnRecord = ({ kind }: { kind: string }) => !kind.startsWith('credential');

function describeObject(object: ManagedObject): unknown {
  const { id, group, type, value, provenance, maker } = object;
  return {
    id,
    group,
    type,
    attributes: digestOf(object.attributes.list()),
    value: value === undefined ? null : sha256(encodeManagedObject(value)),
    provenance: digestOf(provenance),
    maker: maker?.client ?? null,
    uniqueNames: undefined,
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function digestOf(value: unknown): string {
  const text = JSON.stringify(value, (_, each) => {
    if (typeof each === 'bigint') return `${each}n`;
    return each instanceof Uint8Array ? Buffer.from(each).toString('hex') : each;
  });
  return sha256(new TextEncoder().encode(text));
}

/** Converts in a process that is killed at a step; resolves to its output, undefined when it was killed. */
export async function convertUntil(home: OldHome, step: number): Promise<string | undefined> {
  const script = join(import.meta.dirname, 'convert-and-die.ts');
  const child = spawn(process.execPath, [script, home.directory, String(step), home.url], { stdio: 'pipe' });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.once('close', (...ended) => resolve(ended)),
  );
  if (signal === 'SIGKILL') return undefined;
  if (code !== 0) throw new Error(output);
  return output;
}
