/** Is loaded before a kmipd in whose memory a search must find something: 32 bytes that stay there. */
const canary = Buffer.from(process.env.KMIPD_CANARY ?? '', 'hex').map((byte) => byte ^ 0xff);
Object.assign(globalThis, { canary });
