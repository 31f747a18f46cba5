import { type IssuerSummary, RevocationLists } from '../../protocol/revocation-lists.ts';
import type { ManagementBackends, MethodsOf } from '../api.ts';
import { ManagementError } from '../errors.ts';

/** The methods about certificate revocation lists. */
export const revocationListMethods: MethodsOf<'crl'> = {
  async 'crl.issuers'(backends) {
    const lists = await listsOf(backends);
    const groups = new Set((await backends.clients.list()).map(({ group }) => group));
    const issuers: IssuerSummary[] = [];
    for (const group of [...groups].toSorted()) issuers.push(...(await lists.issuers(group)));
    return issuers;
  },
  async 'crl.make'(backends, { issuer, seconds }) {
    const list = await (await listsOf(backends)).make(issuer, seconds);
    if (list === undefined)
      throw new ManagementError(
        `${issuer} is not the certificate of an issuer: it and its key must be Active; kmipd crl alone shows the issuers`,
      );
    return { ...list, der: list.der.toBase64() };
  },
  async 'crl.revoke'(backends, { issuer, serial }) {
    const subject = await (await listsOf(backends)).revoke(issuer, Uint8Array.fromHex(serial));
    if (subject === undefined)
      throw new ManagementError(`${issuer} has issued no certificate with the serial number ${serial}`);
    return { subject };
  },
};

const listsOf = async ({ store, vault, crypto }: ManagementBackends): Promise<RevocationLists> =>
  new RevocationLists(store, vault, await crypto(), Date.now);
