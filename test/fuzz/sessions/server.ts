import type { Version } from '../../../codec/version.ts';
import { defaultLimits } from '../../../src/common/limits.ts';
import { nodeCrypto } from '../../../src/crypto/node/node.ts';
import { CryptographicPolicy } from '../../../src/crypto/policy/policy.ts';
import type { Principal } from '../../../src/identity/principal.ts';
import { operations, operationsIn } from '../../../src/operations/index.ts';
import { createService } from '../../../src/protocol/create-service.ts';
import type { Service } from '../../../src/protocol/service.ts';
import { MemoryStore } from '../../memory-store.ts';
import { PlainVault } from '../../plain-vault.ts';
import { defaultSettings } from '../../protocol/service.ts';

/**
 * Clients of a session: two of one group, of which one only makes objects and has its answers to itself, and
 * one of another group.
 */
export const clients = ['owner', 'insider', 'outsider'] as const;
export type ClientName = (typeof clients)[number];

/** The message service over a store in memory, as clients and the harness see it. */
export class SessionServer {
  /** Milliseconds since 1970 as the service sees them. */
  now = 0;
  readonly store = new MemoryStore();
  /** Errors that the service did not expect. */
  readonly unexpected: unknown[] = [];
  /** Operations that an operator has taken from the role of the insider. */
  readonly denied = new Set<string>();
  #service: Service;
  #session = 0;

  constructor() {
    this.#service = this.#start();
    this.begin();
  }

  /** Begins a session: nothing is stored, and nobody has done anything. */
  begin(): void {
    this.#session += 1;
    this.now = Date.parse('2026-01-01T00:00:00Z');
    this.store.reset();
    this.denied.clear();
    this.unexpected.length = 0;
  }

  /** POSIX seconds. */
  get seconds(): number {
    return Math.floor(this.now / 1000);
  }

  /** The group of a client. Every session has groups of its own, so that no count of another one matters. */
  groupOf(client: ClientName): string {
    return client === 'outsider' ? `other ${this.#session}` : `group ${this.#session}`;
  }

  async send(client: ClientName, message: Uint8Array): Promise<Uint8Array> {
    const principal = this.#principalOf(client);
    return (await this.#service.respond(message, { principal, connection: '1', peer: 'here' })).response;
  }

  /** Waits until no job is under way; jobs whose end is held stay. Jobs whose commit failed run again. */
  async finishJobs(): Promise<void> {
    for (let waits = 1; this.#service.pendingJobs > 0 && !this.store.isHolding; waits += 1) {
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (waits % 20 === 0) await this.#service.lookForJobs();
    }
  }

  close(): Promise<void> {
    this.store.release();
    return this.#service.close();
  }

  #principalOf(client: ClientName): Principal {
    // Operators grant the permission to state the history of objects by name, if at all.
    const may = (permission: string): boolean =>
      permission !== 'ImportAsIs' && (client !== 'insider' || !this.denied.has(permission));
    return { client, group: this.groupOf(client), may };
  }

  #start(): Service {
    return createService({
      store: this.store,
      vault: new PlainVault(),
      crypto: new CryptographicPolicy(defaultSettings).restrict(nodeCrypto),
      limits: { ...defaultLimits, jobs: 100, jobsPerClient: 100 },
      operations,
      server: {
        vendor: 'test',
        name: 'test',
        version: '0',
        operations: (version: Version) => operationsIn(version, false),
        interop: false,
        uniqueNames: false,
        log() {},
      },
      protection: () => 'strict',
      observer: {
        answered() {},
        refused() {},
        authenticationFailed() {},
        permissionRefused() {},
        attemptsExhausted() {},
        quotaExhausted() {},
        requestFailed: ({ error }) => this.unexpected.push(error),
      },
      clock: () => this.now,
      principal: async (client) =>
        clients.includes(client as ClientName) ? this.#principalOf(client as ClientName) : undefined,
    });
  }
}
