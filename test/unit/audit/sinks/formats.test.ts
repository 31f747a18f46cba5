import t from 'tap';
import type { AuditEntry } from '../../../../src/audit/audit.ts';
import { formatCefLine } from '../../../../src/audit/sinks/formats/cef.ts';
import {
  eventOfCheckpoint,
  eventsOfEntry,
  type SinkEvent,
} from '../../../../src/audit/sinks/formats/event.ts';
import { flattenEntry } from '../../../../src/audit/sinks/formats/flatten.ts';
import { formatJsonLine } from '../../../../src/audit/sinks/formats/json-lines.ts';
import { formatOtlpRequest } from '../../../../src/audit/sinks/formats/otlp.ts';
import {
  formatSyslogMessage,
  frameByLength,
  frameByLineFeed,
} from '../../../../src/audit/sinks/formats/syslog-message.ts';
import { chained, checkpoint, fullEntry } from './entries.ts';

const [full, failed] = eventsOfEntry(chained(fullEntry, 41)) as [SinkEvent, SinkEvent];
const signed = eventOfCheckpoint(checkpoint);
const unreadable = eventsOfEntry({ chain: 'c0ffee', number: 9, text: '{"ite' })[0] as SinkEvent;
const management: AuditEntry = {
  ...{ time: 0, kind: 'management', node: 'n', actor: { administrator: 'a=b\\c\nd' } },
  connection: { peer: '[2001:db8::1]:99' },
  items: [{ operation: 'role|x\\y\nz', result: 'Success', reason: 'é\r\n=' }],
};
const [act] = eventsOfEntry(chained(management, 0)) as [SinkEvent];
const refusal: AuditEntry = {
  ...{ time: 8.7e15, kind: 'refusal', node: 'n', connection: { peer: 'unknown host' } },
  items: [{ operation: 'Connection', result: 'OperationFailed', count: 12 }],
};
const [refused] = eventsOfEntry(chained(refusal, 1)) as [SinkEvent];

t.test('a line of JSON has every field of an item in a fixed order', async (t) => {
  t.equal(
    formatJsonLine(full),
    '{"chain":"c0ffee","number":41,"item":0,"time":"2026-11-29T01:02:03.045Z","node":"0a1b2c3d4e5f",' +
      '"kind":"message","client":"vcenter01","group":"vsphere","role":"vcenter","bearer":"proxy",' +
      '"peer":"10.0.0.7:50000","connection":"c1","protocolVersion":"1.4","operation":"Get",' +
      '"objects":["key-1","key-2"],"objectDetails":[{"id":"key-1","type":"SymmetricKey","state":"Active",' +
      '"algorithm":"AES","length":256,"names":["a=b|c"]}],"more":3,"format":"Raw","wrapped":true,' +
      '"result":"Success","reason":null,"rule":"role vcenter: Get","clientCorrelation":"client-1",' +
      '"serverCorrelation":"server-1","details":{"jobs":2,"pending":false,"note":"x"}}',
  );
  t.equal(
    formatJsonLine(act),
    '{"chain":"c0ffee","number":0,"item":0,"time":"1970-01-01T00:00:00.000Z","node":"n","kind":"management",' +
      '"client":null,"administrator":"a=b\\\\c\\nd","peer":"[2001:db8::1]:99",' +
      '"operation":"role|x\\\\y\\nz","objects":[],"result":"Success","reason":"é\\r\\n="}',
  );
  t.equal(
    formatJsonLine(signed),
    `{"kind":"checkpoint","time":"2026-11-29T01:02:03Z","text":${JSON.stringify(checkpoint)}}`,
  );
  t.equal(formatJsonLine(unreadable), '{"kind":"unreadable","chain":"c0ffee","number":9}');
});

t.test('an entry is flattened into one object for each item', async (t) => {
  const items = flattenEntry(chained(fullEntry, 41));
  t.same(
    items.map(({ number, item, operation, objects, result, reason, found }) => [
      ...[number, item, operation, objects, result, reason, found],
    ]),
    [
      [41, 0, 'Get', ['key-1', 'key-2'], 'Success', null, undefined],
      [41, 1, 'Locate', [], 'OperationFailed', 'PermissionDenied', 7],
    ],
  );
  t.throws(() => flattenEntry({ chain: 'a', number: 0, text: 'x' }), TypeError);
  t.throws(() => flattenEntry({ chain: 'a', number: 0, text: '{}' }), TypeError);
});

const cef = (event: SinkEvent) => formatCefLine(event, '1|2');

t.test('a line of CEF escapes its header and its extension', async (t) => {
  t.equal(
    cef(full),
    'CEF:0|kmipd|kmipd|1\\|2|message:Get|Get Success|3|rt=1795914123045 externalId=c0ffee/41/0 cat=message ' +
      'act=Get outcome=Success app=KMIP 1.4 dvchost=0a1b2c3d4e5f src=10.0.0.7 spt=50000 suser=vcenter01 ' +
      'spriv=vcenter cs1=key-1,key-2 cs1Label=objects cs2=vsphere cs2Label=group cs3=role vcenter: Get ' +
      'cs3Label=rule cs4=c1 cs4Label=connection cs5=[{"id":"key-1","type":"SymmetricKey","state":"Active",' +
      '"algorithm":"AES","length":256,"names":["a\\=b|c"]}] cs5Label=objectDetails ' +
      'cs6={"bearer":"proxy","format":"Raw","wrapped":true,"clientCorrelation":"client-1",' +
      '"serverCorrelation":"server-1","jobs":2,"pending":false,"note":"x"} cs6Label=details ' +
      'cn2=3 cn2Label=furtherObjects',
  );
  t.equal(
    cef(act),
    'CEF:0|kmipd|kmipd|1\\|2|management:role\\|x\\\\y z|role\\|x\\\\y z Success|5|rt=0 externalId=c0ffee/0/0 ' +
      'cat=management act=role|x\\\\y\\nz outcome=Success reason=é\\r\\n\\= dvchost=n c6a2=2001:db8::1 ' +
      'c6a2Label=Source IPv6 Address spt=99 suser=a\\=b\\\\c\\nd',
  );
  t.match(
    cef(failed),
    /\|message:Locate\|Locate OperationFailed\|7\|.* reason=PermissionDenied .* cn1=7 cn1Label=found$/,
  );
  t.match(cef(refused), /\|7\|rt=0 .* cnt=12 dvchost=n shost=unknown host$/);
  t.equal(
    cef(signed),
    'CEF:0|kmipd|kmipd|1\\|2|checkpoint|signed checkpoint of the audit log|5|rt=1795914123000 cat=checkpoint ' +
      `msg=${checkpoint.replaceAll('\n', '\\n')}`,
  );
  t.equal(
    cef(unreadable),
    'CEF:0|kmipd|kmipd|1\\|2|unreadable|an entry of the audit log cannot be read|9|' +
      'cat=unreadable externalId=c0ffee/9',
  );
});

const sender = { facility: 'local3', hostName: 'kms 1.example', version: '1"2', processId: 77 } as const;

t.test('a message of syslog has the priority, the time and the registered data of its event', async (t) => {
  const data = '[origin software="kmipd" swVersion="1\\"2"]';
  t.equal(
    formatSyslogMessage(full, 'body', 0, sender),
    `<158>1 2026-11-29T01:02:03.045Z kms?1.example kmipd 77 message ${data}[meta sequenceId="1"] body`,
  );
  t.equal(
    formatSyslogMessage(failed, 'body', 2_147_483_646, sender),
    `<156>1 2026-11-29T01:02:03.045Z kms?1.example kmipd 77 message ${data}[meta sequenceId="2147483647"] body`,
  );
  t.equal(
    formatSyslogMessage(signed, 'body', 2_147_483_647, { ...sender, facility: 'audit', hostName: '' }),
    `<109>1 2026-11-29T01:02:03Z - kmipd 77 checkpoint ${data}[meta sequenceId="1"] body`,
  );
  t.match(formatSyslogMessage(unreadable, 'b', 0, sender), /^<155>1 - \S+ kmipd 77 unreadable /);
  t.match(formatSyslogMessage(act, 'b', 0, sender), /^<157>1 /);
});

t.test('frames count bytes, or end with a line feed', async (t) => {
  t.equal(new TextDecoder().decode(frameByLength('aé')), '3 aé');
  t.equal(new TextDecoder().decode(frameByLineFeed('aé')), 'aé\n');
});

t.test('a request of OpenTelemetry has a resource for each node', async (t) => {
  const source = { node: 'n', version: '1.2' };
  const text = (stringValue: string) => ({ stringValue });
  const attribute = (key: string, value: unknown) => ({ key, value });
  const resource = (node: string) => ({
    attributes: [
      attribute('service.name', text('kmipd')),
      attribute('service.version', text('1.2')),
      attribute('service.instance.id', text(node)),
    ],
  });
  const scope = { name: 'kmipd.audit', version: '1.2' };
  const observed = '5000000';
  const request = JSON.parse(formatOtlpRequest([full, act, signed], source, 5));
  t.same(request, {
    resourceLogs: [
      {
        resource: resource('0a1b2c3d4e5f'),
        scopeLogs: [
          {
            scope,
            logRecords: [
              {
                timeUnixNano: '1795914123045000000',
                observedTimeUnixNano: observed,
                ...{ severityNumber: 9, severityText: 'INFO', eventName: 'kmipd.audit.message' },
                body: text('Get Success'),
                attributes: [
                  attribute('kmipd.chain', text('c0ffee')),
                  attribute('kmipd.number', { intValue: '41' }),
                  attribute('kmipd.item', { intValue: '0' }),
                  attribute('client.address', text('10.0.0.7')),
                  attribute('client.port', { intValue: '50000' }),
                  attribute('network.protocol.name', text('kmip')),
                  attribute('network.protocol.version', text('1.4')),
                  attribute('user.name', text('vcenter01')),
                  attribute('user.roles', { arrayValue: { values: [text('vcenter')] } }),
                  attribute('kmipd.group', text('vsphere')),
                  attribute('kmipd.bearer', text('proxy')),
                  attribute('kmipd.connection', text('c1')),
                  attribute('kmipd.operation', text('Get')),
                  attribute('kmipd.result', text('Success')),
                  attribute('kmipd.objects', { arrayValue: { values: [text('key-1'), text('key-2')] } }),
                  attribute(
                    'kmipd.object_details',
                    text(JSON.stringify(fullEntry.items[0]?.objects?.slice(0, 1))),
                  ),
                  attribute('kmipd.more', { intValue: '3' }),
                  attribute('kmipd.format', text('Raw')),
                  attribute('kmipd.wrapped', { boolValue: true }),
                  attribute('kmipd.rule', text('role vcenter: Get')),
                  attribute('kmipd.client_correlation', text('client-1')),
                  attribute('kmipd.server_correlation', text('server-1')),
                  attribute('kmipd.details.jobs', { intValue: '2' }),
                  attribute('kmipd.details.pending', { boolValue: false }),
                  attribute('kmipd.details.note', text('x')),
                ],
              },
            ],
          },
        ],
      },
      {
        resource: resource('n'),
        scopeLogs: [
          {
            scope,
            logRecords: [
              {
                ...{
                  timeUnixNano: '0',
                  observedTimeUnixNano: observed,
                  severityNumber: 10,
                  severityText: 'INFO2',
                },
                eventName: 'kmipd.audit.management',
                body: text('role|x\\y\nz Success: é\r\n='),
                attributes: [
                  attribute('kmipd.chain', text('c0ffee')),
                  attribute('kmipd.number', { intValue: '0' }),
                  attribute('kmipd.item', { intValue: '0' }),
                  attribute('client.address', text('2001:db8::1')),
                  attribute('client.port', { intValue: '99' }),
                  attribute('user.name', text('a=b\\c\nd')),
                  attribute('error.type', text('é\r\n=')),
                  attribute('kmipd.administrator', text('a=b\\c\nd')),
                  attribute('kmipd.operation', text('role|x\\y\nz')),
                  attribute('kmipd.result', text('Success')),
                ],
              },
              {
                ...{ timeUnixNano: '1795914123000000000', observedTimeUnixNano: observed },
                ...{ severityNumber: 10, severityText: 'INFO2', eventName: 'kmipd.audit.checkpoint' },
                body: text(checkpoint),
                attributes: [],
              },
            ],
          },
        ],
      },
    ],
  });
});

t.test('a checkpoint with a time that no calendar has names none', async (t) => {
  t.equal(eventOfCheckpoint('time 2026-99-29T01:02:03Z').time, undefined);
  t.equal(eventOfCheckpoint('nothing').time, undefined);
  t.match(JSON.parse(formatOtlpRequest([eventOfCheckpoint('x')], { node: 'n', version: '1' }, 5)), {
    resourceLogs: [{ scopeLogs: [{ logRecords: [{ timeUnixNano: '0' }] }] }],
  });
});

t.test('the job of an asynchronous request is in every format', async (t) => {
  const ended: AuditEntry = {
    ...{ time: 0, kind: 'job', node: 'n' },
    items: [{ operation: 'Create', result: 'Success', job: 'job-1' }],
  };
  const events = eventsOfEntry(chained(ended, 0));
  t.match(formatJsonLine(events[0] as SinkEvent), '"job":"job-1"');
  t.match(cef(events[0] as SinkEvent), 'cs6={"job":"job-1"} ');
  t.match(
    formatOtlpRequest(events, { node: 'n', version: '1' }, 5),
    '{"key":"kmipd.job","value":{"stringValue":"job-1"}}',
  );
});
