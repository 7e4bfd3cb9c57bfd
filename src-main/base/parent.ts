/** A child's end of the channel to its parent, whichever way it was started. */

/** What Electron puts into a utility process instead of an IPC channel. */
interface ParentPort {
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): unknown;
  postMessage(message: unknown): void;
}

const port = (): ParentPort | undefined => (process as { parentPort?: ParentPort }).parentPort;

export function onParentMessage(listener: (message: unknown) => void): void {
  const utility = port();
  if (utility === undefined) process.on('message', listener);
  else utility.on('message', ({ data }) => listener(data));
}

/** A parent that is gone closes the channel, perhaps under the write: then nobody is left to tell. */
export function tellParent(message: object): void {
  const utility = port();
  if (utility !== undefined) utility.postMessage(message);
  else if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

/** Ends the channel in order; the process may then end by itself. */
export function leaveParent(): void {
  if (port() === undefined) process.disconnect();
  else process.exit();
}

/**
 * A child of OmniNode never outlives its parent: the parent holds a channel to it, which the system closes however the
 * parent dies (also by SIGKILL). Chromium ends a utility process by itself.
 */
export function exitWithParent(onParentGone: () => void = () => process.exit(0)): void {
  if (process.channel === undefined) return;
  process.once('disconnect', onParentGone);
}
