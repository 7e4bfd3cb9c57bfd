import { isAlive } from '../../base/index.ts';
import { apiErrors } from '../errors.ts';
import { CONTROL_LIMITS, CONTROL_PATH } from '../options.ts';
import { readControlFile, type ControlFile } from './file.ts';
import { runningHostSchema, type RunningHost } from './schema.ts';

/** How the host that runs with this home does. @throws API_NOT_RUNNING, API_CONTROL_FAILED */
export async function askRunningHost(home: string, signal: AbortSignal): Promise<RunningHost> {
  const file = await readControlFile(home);
  // A host that was killed leaves its file; the port may be another program's by now, which must not get the key.
  if (file === undefined || !isAlive(file.pid)) throw apiErrors.notRunning({ home });
  const text = await get(file, home, AbortSignal.any([signal, AbortSignal.timeout(CONTROL_LIMITS.timeoutMs)]));
  try {
    return runningHostSchema.parse(JSON.parse(text));
  } catch (error) {
    throw apiErrors.controlFailed({ reason: 'its reply has another shape' }, error);
  }
}

async function get({ port, key }: ControlFile, home: string, signal: AbortSignal): Promise<string> {
  try {
    const reply = await fetch(`http://127.0.0.1:${port}${CONTROL_PATH}`, { headers: { authorization: `Bearer ${key}` }, signal, redirect: 'error' });
    if (!reply.ok) throw apiErrors.controlFailed({ reason: `it answered ${reply.status}` });
    return await readText(reply);
  } catch (error) {
    if (error instanceof TypeError) throw apiErrors.notRunning({ home }, error);
    if (error instanceof DOMException) throw apiErrors.controlFailed({ reason: 'it did not answer in time' }, error);
    throw error;
  }
}

async function readText(reply: Response): Promise<string> {
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const part of reply.body ?? []) {
    sizeBytes += part.length;
    if (sizeBytes > CONTROL_LIMITS.maxReplyBytes) throw apiErrors.controlFailed({ reason: `its reply is longer than ${CONTROL_LIMITS.maxReplyBytes} bytes` });
    parts.push(part);
  }
  return Buffer.concat(parts).toString('utf8');
}
