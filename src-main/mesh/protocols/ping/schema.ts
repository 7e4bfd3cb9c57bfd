import { randomBytes, timingSafeEqual } from 'node:crypto';
import { PING_BYTES } from './constants.ts';

export const newPing = (): Uint8Array => randomBytes(PING_BYTES);

export const isPing = (frame: Uint8Array): boolean => frame.byteLength === PING_BYTES;

export const isEchoOf = (ping: Uint8Array, frame: Uint8Array): boolean => isPing(frame) && timingSafeEqual(ping, frame);
