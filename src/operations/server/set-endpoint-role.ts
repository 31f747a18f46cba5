import { EndpointRole } from '../../../codec/enums.ts';
import { one, struct } from '../../../codec/schema.ts';
import { fail } from '../../common/errors.ts';
import { conversation, operation } from '../operation.ts';

/**
 * Set Endpoint Role (KMIP 2.1 §6.1.54, §6.2.5): states the role of the requesting side on this connection
 * after the answer. A client that becomes the server receives requests from then on; one that stays the
 * client changes nothing.
 */
export const SetEndpointRole = operation({
  name: 'SetEndpointRole',
  since: '2.0',
  request: struct({ EndpointRole: one(EndpointRole) }),
  response: struct({ EndpointRole: one(EndpointRole) }),
  target: conversation(),
  limitedRight: 'nothing',
  handle({ EndpointRole: role }, { channel, principal, version, work }) {
    if (role === 'Client') return { EndpointRole: role };
    if (role !== 'Server') fail('InvalidField', 'there is no such Endpoint Role');
    if (channel === undefined)
      fail('FeatureNotSupported', 'roles cannot be exchanged on this kind of connection');
    if (channel.client !== principal.client)
      fail('PermissionDenied', 'only the client of a connection exchanges the roles on it');
    work.afterCommit(() => channel.reverse(version));
    return { EndpointRole: role };
  },
});
