import { one, struct, text } from '../../../codec/schema.ts';
import { conversation, operation } from '../operation.ts';

/** Log (KMIP 2.1 §6.1.29): writes a client's message into the server's log, after the request is durable. */
export const Log = operation({
  name: 'Log',
  since: '2.0',
  request: struct({ LogMessage: one(text) }),
  response: struct({}),
  target: conversation(),
  limitedRight: 'nothing',
  handle({ LogMessage }, { work, server, principal }) {
    work.afterCommit(() => server.log(principal.client, LogMessage));
    return {};
  },
});
