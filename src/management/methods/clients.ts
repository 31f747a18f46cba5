import { X509Certificate } from 'node:crypto';
import { splitCertificates } from '../../../certs/pem.ts';
import { EventLoopYield } from '../../common/event-loop-yield.ts';
import { fingerprintOf } from '../../identity/certificate.ts';
import type { Client, NewClient } from '../../identity/principal.ts';
import { deleteNamedRecords, deleteOwnedRecords } from '../../protocol/client-records.ts';
import { EndpointDirectory } from '../../protocol/endpoints/endpoint-settings.ts';
import { GrantDirectory } from '../../protocol/grant-directory.ts';
import type {
  ClientDetails,
  ClientSummary,
  ManagementBackends,
  MethodsOf,
  ParamsOf,
  ResultOf,
} from '../api.ts';
import { ManagementError } from '../errors.ts';
import { requireClient } from './enrolled.ts';

/** The methods about clients: their enrolment, and where they are notified of changes. */
export const clientMethods: MethodsOf<'client'> = {
  async 'client.list'({ clients }) {
    const summaries: ClientSummary[] = [];
    const eventLoop = new EventLoopYield();
    for (const client of await clients.list()) {
      if (eventLoop.isDue) await eventLoop.yield();
      const { certificate: _, ...summary } = describeClient(client);
      summaries.push(summary);
    }
    return summaries;
  },
  async 'client.find'({ clients }, { name, fingerprint = '' }) {
    const found = await (name === undefined ? clients.byFingerprint(fingerprint) : clients.byName(name));
    return found === undefined ? null : describeClient(found);
  },
  async 'client.show'({ clients }, { name }) {
    return describeClient(await requireClient(clients, name));
  },
  'client.add': add,
  async 'client.setDisabled'({ clients }, { name, disabled }) {
    const client = await requireClient(clients, name);
    if (client.disabled === disabled) return { isChanged: false };
    await clients.setDisabled(name, disabled);
    return { isChanged: true };
  },
  'client.remove': remove,
  async 'client.endpoint'({ clients, store, vault }, { name }) {
    await requireClient(clients, name);
    return (await new EndpointDirectory(store, vault).of(name)) ?? null;
  },
  async 'client.setEndpoint'({ clients, store, vault }, { name, settings }) {
    const { group } = await requireClient(clients, name);
    await new EndpointDirectory(store, vault).set(name, group, settings ?? undefined);
    return {};
  },
};

function describeClient({ name, group, role, disabled, enrolledAt, fingerprint, certificate }: Client) {
  const notAfter = Math.floor(new X509Certificate(certificate).validToDate.getTime() / 1000);
  return {
    ...{ name, group, role, disabled, enrolledAt, notAfter, fingerprint, certificate },
  } satisfies ClientDetails;
}

async function add(
  { clients, store, vault }: ManagementBackends,
  { name, group, role, certificate }: ParamsOf<'client.add'>,
): Promise<ResultOf<'client.add'>> {
  const client: NewClient = {
    ...{ name, group, role, certificate, disabled: false },
    fingerprint: fingerprintOf(parseChain(certificate)),
    enrolledAt: Math.floor(Date.now() / 1000),
  };
  if ((await clients.byName(name)) !== undefined)
    throw new ManagementError(`client "${name}" is enrolled already`);
  // Of a removal that was interrupted: settings and grants of the former client are not those of this one.
  await deleteNamedRecords(store, vault, name);
  await new GrantDirectory(store, vault).removeOf(name);
  if (await clients.add(client)) return {};
  const other = await clients.byFingerprint(client.fingerprint);
  throw new ManagementError(
    other === undefined
      ? `client "${name}" has been enrolled by another node meanwhile; its files are there`
      : `this certificate is enrolled already, as client "${other.name}"; remove that one first`,
  );
}

/** Returns the first certificate of a PEM text, all of which can be read. */
function parseChain(pem: string): X509Certificate {
  try {
    const [own] = splitCertificates(pem, 'the text').map((each) => new X509Certificate(each));
    return own as X509Certificate;
  } catch {
    throw new ManagementError('the certificate of the client cannot be read');
  }
}

async function remove(
  { clients, store, vault, ended }: ManagementBackends,
  { name }: ParamsOf<'client.remove'>,
): Promise<ResultOf<'client.remove'>> {
  const client = await requireClient(clients, name);
  const deleteRecords = async () => {
    await deleteNamedRecords(store, vault, name);
    await deleteOwnedRecords(store, vault, client);
    await new GrantDirectory(store, vault).removeOf(name);
  };
  // Before, so that the removal can be repeated when it is interrupted; afterwards, because messages of the
  // client may have stored more until then.
  await deleteRecords();
  await clients.remove(name);
  await ended?.(name);
  await deleteRecords();
  return { group: client.group };
}
