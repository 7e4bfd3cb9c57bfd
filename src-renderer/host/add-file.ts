import { bridgeErrors, HostError, MODEL_LIMITS, UPLOAD_PATH, wireErrorSchema, type WireError } from '../../src-preload/bridge/index.ts';
import { pageKey } from './create-client.ts';
import type { HostClient } from './host-client.ts';

/** After the server said that it is too much at once. */
const BUSY_MS = 500;
const TOO_MANY = 429;
/** Where another attempt is to begin. */
const OTHER_PLACE = 409;
const GONE = 404;

/** Whether files of this page stay where they are, or have to be handed over. */
export const givesPaths = (): boolean => window.host?.pathOf !== undefined;

/** Adds a file that the user dropped or chose: by its path inside Electron, else piece by piece. What comes of it is told among the downloads. Rejects with HostError. */
export async function addFile(client: HostClient, file: File): Promise<void> {
  const path = window.host?.pathOf?.(file) ?? '';
  if (path !== '') return void await client.call('models.addPath', { path });
  const { id } = await client.call('models.upload', { name: file.name, sizeBytes: file.size });
  await handOver(id, file);
}

// One piece after the other: memory does not grow with the file, and the host says by its pace how fast.
async function handOver(id: string, file: File): Promise<void> {
  for (let at = 0; at < file.size;) {
    const reply = await fetch(`${UPLOAD_PATH}${id}?at=${at}`, {
      method: 'PUT', headers: { authorization: `Bearer ${pageKey()}`, 'content-type': 'application/octet-stream' }, body: file.slice(at, at + MODEL_LIMITS.uploadPieceBytes), cache: 'no-store',
    }).catch(() => Promise.reject(bridgeErrors.disconnected()));
    if (reply.ok) at += MODEL_LIMITS.uploadPieceBytes;
    else if (reply.status === TOO_MANY) await new Promise((resolve) => { setTimeout(resolve, BUSY_MS); });
    // It was cancelled, or failed, which the list of downloads says.
    else if (reply.status === GONE) return;
    else at = nextPlace(await refusal(reply), reply.status);
  }
}

function nextPlace(error: WireError, status: number): number {
  const { wanted } = error.meta;
  if (status === OTHER_PLACE && typeof wanted === 'number') return wanted;
  throw new HostError(error);
}

const UNREADABLE: WireError = { code: 'BRIDGE_BAD_REPLY', message: 'the node refused the file, and did not say why', next: 'Reload the page, then try again.', meta: {}, retryable: true, fault: 'local' };

async function refusal(reply: Response): Promise<WireError> {
  const body: unknown = await reply.json().catch(() => undefined);
  return wireErrorSchema.safeParse((body as { readonly error?: unknown } | undefined)?.error).data ?? UNREADABLE;
}
