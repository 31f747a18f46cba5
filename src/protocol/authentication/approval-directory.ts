import { type ApprovalRequest, approvalKind, readApproval, writeApproval } from '../../identity/approval.ts';
import type { Store } from '../../store/store.ts';
import type { Vault } from '../../vault/vault.ts';
import { ChangedMeanwhileError } from '../unit-of-work/changed-meanwhile.ts';
import { maxConflictRetries } from '../unit-of-work/conflict-retry.ts';
import { OperatorUnits } from '../unit-of-work/operator-units.ts';
import type { UnitOfWork } from '../unit-of-work/unit-of-work.ts';

/** Requests that wait for a decision: of everybody, and of one requester. */
export const maxPendingRequests = 100;
export const maxPendingOfRequester = 20;
/** Decided requests that are kept until they expire: of everybody, and of one requester. */
const maxDecidedRequests = 100;
const maxDecidedOfRequester = 20;
/** More than there are of both, also when some are asked for at once. */
const maxListedRequests = 1_000;

/**
 * The requests for approval, as sealed records that expire. Rejects as reads of the store and the vault do,
 * with SealBrokenError for a row that was altered.
 */
export class ApprovalDirectory {
  readonly #units: OperatorUnits;

  constructor(store: Store, vault: Vault) {
    this.#units = new OperatorUnits(store, vault);
  }

  /** Returns those that have not expired, oldest first; rows that do not open are left out. */
  async list(): Promise<readonly ApprovalRequest[]> {
    const records = await this.#units.begin().everyRecord(approvalKind, maxListedRequests);
    return records.map(({ content }) => toRequest(content));
  }

  /** Returns one that has not expired; undefined when there is none. */
  async find(id: string): Promise<ApprovalRequest | undefined> {
    const record = await this.#units.begin().record(approvalKind, id);
    return record && toRequest(record.content);
  }

  /**
   * Stores a new request with a secret of its parameters, which the caller overwrites.
   * @throws {ChangedMeanwhileError} when another one has the identifier
   */
  async add(request: ApprovalRequest, secret: Uint8Array): Promise<void> {
    const unit = this.#units.begin();
    await unit.record(approvalKind, request.id);
    put(unit, request, secret);
    if ((await unit.commit()) !== 'committed') throw new ChangedMeanwhileError('the requests were');
  }

  /**
   * Removes the oldest decided ones of `requests` that are too many, of one requester or at all; those stay
   * whose execution has not ended. One that is changed at the same time keeps them all: the next call removes
   * them.
   * @param requests as `list` returns them
   */
  async removeSurplus(requests: readonly ApprovalRequest[]): Promise<void> {
    const kept = new Map<string, number>();
    const unit = this.#units.begin();
    let count = 0;
    for (const { id, state, requester } of requests.toReversed()) {
      if (state === 'pending' || state === 'executing') continue;
      const own = kept.get(requester) ?? 0;
      if (own < maxDecidedOfRequester && count < maxDecidedRequests) {
        kept.set(requester, own + 1);
        count += 1;
        continue;
      }
      (await unit.record(approvalKind, id))?.content.fill(0);
      unit.removeRecord(approvalKind, id);
    }
    if (unit.changed) await unit.commit();
  }

  /**
   * Writes what `decide` returns of a request, in a new unit whenever another process has changed it
   * meanwhile. Rejects as `decide` throws.
   * @param use gets the secret of the parameters, which is overwritten afterwards
   * @returns undefined when there is none of that identifier, or it has expired
   * @throws {ChangedMeanwhileError} when others never let it commit.
   */
  async change<T>(
    id: string,
    decide: (request: ApprovalRequest) => ApprovalRequest,
    use: (request: ApprovalRequest, secret: Uint8Array) => Promise<T> | T,
  ): Promise<T | undefined> {
    for (let attempt = 0; attempt <= maxConflictRetries; attempt += 1) {
      const unit = this.#units.begin();
      const record = await unit.record(approvalKind, id);
      if (record === undefined) return undefined;
      const { request, secret } = readApproval(record.content);
      record.content.fill(0);
      using _ = secret;
      const decided = decide(request);
      // A request that is decided needs the secret no more.
      put(unit, decided, decided.state === 'pending' ? secret.bytes : new Uint8Array());
      if ((await unit.commit()) === 'committed') return await use(decided, secret.bytes);
    }
    throw new ChangedMeanwhileError('the request was');
  }
}

/** Decodes a request, and overwrites its secret. */
function toRequest(content: Uint8Array): ApprovalRequest {
  const { request, secret } = readApproval(content);
  secret.wipe();
  content.fill(0);
  return request;
}

function put(unit: UnitOfWork, request: ApprovalRequest, secret: Uint8Array): void {
  const content = writeApproval(request, secret);
  // The unit keeps a copy, and overwrites that at the commit.
  unit.putRecord(approvalKind, request.id, '', content, request.expiresAt);
  content.fill(0);
}
