import { readFileSync } from 'node:fs';
import { createServer } from 'node:tls';

/**
 * A TLS server that answers each message with a fixed response, which shows the upper limit of Node's TLS.
 * Arguments: directory with cert.pem and key.pem, CA file, bytes of the response. Prints its port.
 */
const [, , server = '', ca = '', bytes = '0'] = process.argv;
const response = Buffer.alloc(Number(bytes));
response.writeUInt32BE(0x42007b01, 0);
response.writeUInt32BE(response.length - 8, 4);

const listener = createServer(
  {
    cert: readFileSync(`${server}/cert.pem`),
    key: readFileSync(`${server}/key.pem`),
    ca: readFileSync(ca),
    requestCert: true,
    rejectUnauthorized: true,
  },
  (socket) => {
    let pending = 0;
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      // The load generator sends each request as one record, so that the first chunk contains the length.
      for (let at = 0; at < chunk.length; ) {
        if (pending === 0) pending = 8 + chunk.readUInt32BE(at + 4);
        const taken = Math.min(pending, chunk.length - at);
        pending -= taken;
        at += taken;
        if (pending === 0) socket.write(response);
      }
    });
  },
);
listener.listen(0, '127.0.0.1', () => console.log((listener.address() as { port: number }).port));
