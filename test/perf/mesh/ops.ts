/** First byte of a frame: what the other end does with it. */
export const OP = { echo: 0, sink: 1 } as const;
/** What it answers to a frame that it only takes. */
export const ACK = Uint8Array.of(OP.sink);
