import { nodeCrypto } from '../../src/crypto/node/node.ts';
import type { Principal } from '../../src/identity/principal.ts';
import { operations } from '../../src/operations/index.ts';
import { Login } from '../../src/operations/sessions/login.ts';
import { ticketId } from '../../src/operations/sessions/tickets.ts';
import { succeed } from './operations/ask.ts';
import type { TestService } from './service.ts';

/** Clients of one group for the tests of Names: the maker of an object, and others. */

const common = { group: 'g', role: 'clerk' } as const;
/** Every operation, and no permission beside them that concerns Names. */
const may = (permission: string) => permission !== 'ForeignNames';
export const maker = { ...common, client: 'maker', fingerprint: 'f1', enrolledAt: 1_000, may } as const;
export const other = { ...common, client: 'other', fingerprint: 'f2', enrolledAt: 1_000, may } as const;
export const permitted = { ...other, may: () => true };
const rights = [{ operations: [...operations.values()].map(({ name }) => name) }];
const holder = { bearer: 'other', bearerEnrolledAt: 1_000 };

/** A client that asks about an object of the maker. */
export interface Asker {
  readonly sender: Principal;
  /** Whether it shows a ticket of that client. */
  readonly hasTicket?: boolean;
  /** Whether it may change the Names. */
  readonly isFree: boolean;
  /** What the operator has done since the object was made. */
  before?(service: TestService): Promise<unknown>;
}

const remove = (service: TestService) => service.clients.remove('maker');
async function replace(service: TestService): Promise<void> {
  await remove(service);
  await enrol(service, 'maker', 2_000);
}

export const askers: Readonly<Record<string, Asker>> = {
  'the maker': { sender: maker, isFree: true },
  'the maker with another certificate': { sender: { ...maker, fingerprint: 'f3' }, isFree: true },
  'a ticket of the maker': { sender: { ...maker, ...holder }, hasTicket: true, isFree: true },
  'a ticket of the maker with Rights': {
    sender: { ...maker, ...holder, rights },
    hasTicket: true,
    isFree: true,
  },
  'another client': { sender: other, isFree: false },
  'a client with the permission': { sender: permitted, isFree: true },
  'a ticket with Rights of a client with the permission': {
    sender: { ...permitted, rights },
    hasTicket: true,
    isFree: false,
  },
  'another client, the maker disabled': {
    sender: other,
    isFree: false,
    before: (service) => service.clients.setDisabled('maker', true),
  },
  'another client, the maker removed': { sender: other, isFree: true, before: remove },
  'another client, another maker of the name': { sender: other, isFree: true, before: replace },
  'the next client of the name': {
    sender: { ...maker, fingerprint: 'f4', enrolledAt: 2_000 },
    isFree: true,
    before: replace,
  },
};

/** Sends from now on as that client. */
export async function actAs(
  service: TestService,
  { sender, hasTicket = false, before }: Asker,
): Promise<void> {
  await before?.(service);
  const { bearer: _, rights: __, ...owner } = sender;
  service.sender = hasTicket ? owner : sender;
  if (!hasTicket) return;
  const { Ticket } = await succeed(service, '2.1', Login, {});
  service.sender = { ...sender, ticket: ticketId(Ticket.TicketValue, nodeCrypto) };
}

function enrol({ clients }: TestService, name: string, enrolledAt: number): Promise<boolean> {
  const fingerprint = `${name} ${enrolledAt}`;
  return clients.add({ ...common, name, fingerprint, disabled: false, enrolledAt, certificate: '' });
}

/** Enrols both clients as they were first. */
export async function enrolBoth(service: TestService): Promise<void> {
  for (const name of ['maker', 'other']) {
    const { enrolledAt, disabled } = (await service.clients.byName(name)) ?? {};
    if (enrolledAt === 1_000 && disabled === false) continue;
    await service.clients.remove(name);
    await enrol(service, name, 1_000);
  }
}

/** Sends as the maker whatever `use` sends, and then as the client of before. */
export async function asMaker<T>(service: TestService, use: () => Promise<T>): Promise<T> {
  const { sender } = service;
  service.sender = maker;
  try {
    return await use();
  } finally {
    service.sender = sender;
  }
}
